using System.Text.Json;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Models;

namespace SpecDecode.Tool.Info;

/// <summary>A model's facts as one JSON object.</summary>
internal static class InfoJson
{
    /// <summary>Writes the object.</summary>
    public static void Write(TextWriter output, ModelSummary summary) => JsonResult.Write(output, json =>
    {
        json.WriteString("folder", summary.Folder);
        json.WriteBoolean("can_load", summary.CanLoad);
        WriteTexts(json, "problems", summary.Problems);
        WriteTexts(json, "warnings", summary.Warnings);
        json.WriteBoolean("prepared", summary.IsPrepared);
        json.WriteString("family", summary.Family);
        if (summary.Decoder is { } decoder)
        {
            Write(json, decoder);
        }

        json.WriteNumbers("end_of_sequence", summary.EndOfSequence);
        WriteTokenizer(json, summary.Tokenizer);
        WriteTemplate(json, summary.ChatTemplate);
        WriteSampling(json, summary);
        WriteProfile(json, summary.Profile);
    });

    private static void Write(Utf8JsonWriter json, DecoderSummary decoder)
    {
        json.WriteNumber("layers", decoder.LayerCount);
        json.WriteNumber("hidden_size", decoder.HiddenSize);
        json.WriteNumber("intermediate_size", decoder.IntermediateSize);
        json.WriteNumber("heads", decoder.QueryHeads);
        json.WriteNumber("key_value_heads", decoder.KeyValueHeads);
        json.WriteNumber("head_size", decoder.HeadSize);
        json.WriteNumber("vocabulary_size", decoder.VocabularySize);
        json.WriteNumber("max_sequence_length", decoder.MaxSequenceLength);
        json.WriteNumber("parameters", decoder.Parameters);
        json.WriteBoolean("tied_embedding", decoder.TiesEmbedding);
        WriteTexts(json, "stored_types", decoder.StoredTypes);
        json.WriteNumber("rotary_base", decoder.RotaryBase);
        json.WriteNumber("rotary_channels", decoder.RotaryChannels);
        json.WriteString("rotary_scaling", decoder.RotaryScaling);
        json.WriteNumber("rotary_layers", decoder.RotaryLayers);
        if (decoder.Window is { } window)
        {
            json.WriteNumber("window", window);
        }
        else
        {
            json.WriteNull("window");
        }

        json.WriteNumber("window_layers", decoder.WindowLayers);
        json.WriteNumber("kv_bytes_per_token", decoder.KvBytesPerToken);
        json.WriteNumber("kv_bytes_of_context", decoder.KvBytesOfContext);
        json.WriteStartArray("weights");
        foreach (WeightSummary weights in decoder.Weights)
        {
            json.WriteStartObject();
            json.WriteString("precision", PrecisionArguments.Name(weights.Precision));
            json.WriteString("head_precision", PrecisionArguments.Name(weights.HeadPrecision));
            json.WriteNumber("block_size", weights.BlockSize);
            json.WriteNumber("file_bytes", weights.FileBytes);
            json.WriteNumber("memory_bytes", weights.MemoryBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTokenizer(Utf8JsonWriter json, TokenizerSummary? tokenizer)
    {
        if (tokenizer is null)
        {
            json.WriteNull("tokenizer");
            return;
        }

        json.WriteStartObject("tokenizer");
        json.WriteString("file", tokenizer.File);
        json.WriteString("kind", tokenizer.Kind);
        json.WriteNumber("vocabulary_size", tokenizer.VocabularySize);
        WriteTexts(json, "end_of_sequence", tokenizer.EndOfSequence);
        json.WriteEndObject();
    }

    private static void WriteTemplate(Utf8JsonWriter json, ChatTemplateSummary? template)
    {
        if (template is null)
        {
            json.WriteNull("chat_template");
            return;
        }

        json.WriteStartObject("chat_template");
        json.WriteString("file", template.File);
        WriteTexts(json, "names", template.Names);
        json.WriteEndObject();
    }

    private static void WriteSampling(Utf8JsonWriter json, ModelSummary summary)
    {
        if (summary.SuggestedSampling is not { } sampling)
        {
            json.WriteNull("suggested_sampling");
            return;
        }

        json.WriteStartObject("suggested_sampling");
        json.WriteNumber("temperature", sampling.Temperature);
        json.WriteNumber("top_k", sampling.TopK);
        json.WriteNumber("top_p", sampling.TopP);
        json.WriteNumber("min_p", sampling.MinP);
        json.WriteEndObject();
    }

    private static void WriteProfile(Utf8JsonWriter json, DraftingProfile? profile)
    {
        if (profile is null)
        {
            json.WriteNull("drafting_profile");
            return;
        }

        json.WriteStartObject("drafting_profile");
        json.WriteString("file", DraftingProfile.FileName);
        json.WriteNumber("plans", profile.Plans.Count);
        json.WriteNumberOrNull("measured_speedup", profile.Plans[0].MeasuredSpeedup);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
