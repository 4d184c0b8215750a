using System.Text.Json;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>What requests for chats and for texts have in common, as the engine takes it. A mistake names the field that it is in.</summary>
internal static class RequestBuilder
{
    /// <summary>A request that lacks only what is asked: its messages or its prompt.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="defaults">What holds where it does not say.</param>
    /// <param name="maxTokens">New tokens, where the body says.</param>
    /// <exception cref="ApiException">A field is out of range, or not served.</exception>
    public static GenerationRequest Build(GenerationBody body, GenerationDefaults defaults, (string Field, int? Value) maxTokens)
    {
        UnknownFields.Refuse(body.Others);
        UnknownFields.Refuse("stream_options", body.StreamOptions?.Others);
        CheckStream(body);
        CheckFormat(body.ResponseFormat);
        RefuseNotYetServed(body);
        if (maxTokens.Value < 1)
        {
            throw ApiException.Invalid(maxTokens.Field, $"'{maxTokens.Field}' is {maxTokens.Value}: ask for at least 1.");
        }

        return new GenerationRequest
        {
            MaxTokens = maxTokens.Value,
            IgnoreEndOfSequence = body.IgnoreEos == true,
            StopTokens = body.StopTokenIds ?? [],
            Sampling = Sampling(body, defaults.Sampling),
            Drafting = body.Drafting is { } drafting ? Drafting(drafting, defaults.Drafting) : null,
        };
    }

    /// <summary>The request as many times as it is to be answered: each choice draws for itself.</summary>
    public static IEnumerable<GenerationRequest> Choices(GenerationRequest request, int count, GenerationDefaults defaults) => Enumerable.Range(0, count)
        .Select(index => index == 0 ? request : request with { Sampling = (request.Sampling ?? defaults.Sampling) with { ChoiceIndex = index } });

    /// <summary>How many texts a request asks for.</summary>
    /// <param name="n">What it says.</param>
    /// <param name="prompts">How many prompts it has.</param>
    /// <param name="most">The most there may be.</param>
    public static int CountChoices(int? n, int prompts, int most)
    {
        int count = n ?? 1;
        return count < 1 ? throw ApiException.Invalid("n", $"'n' is {count}: ask for at least 1.")
            : (long)count * prompts > most ? throw ApiException.Invalid(
                prompts > most ? "prompt" : "n", $"{(long)count * prompts} texts are asked for, and a request may ask for {most} (MaxChoices): send several requests.")
            : count;
    }

    private static SamplingOptions Sampling(GenerationBody body, SamplingOptions defaults)
    {
        float temperature = Checked("temperature", body.Temperature, value => value >= 0, "0 (the most probable token always) or more") ?? defaults.Temperature;
        return defaults with
        {
            Temperature = temperature,
            TopP = Checked("top_p", body.TopP, value => value is > 0 and <= 1, "a probability above 0, at most 1") ?? defaults.TopP,
            TopK = body.TopK switch
            {
                // Others say -1 for no limit.
                null => defaults.TopK,
                -1 => 0,
                >= 0 and { } limit => limit,
                { } wrong => throw ApiException.Invalid("top_k", $"'top_k' is {wrong}: give 1 or more, or 0 for no limit."),
            },
            MinP = Checked("min_p", body.MinP, value => value is >= 0 and <= 1, "a share from 0 to 1") ?? defaults.MinP,
            Seed = body.Seed ?? defaults.Seed,

            // What is configured for drawing holds for nothing where nothing is drawn, and the other way round.
            Acceptance = (temperature == 0) == (defaults.Temperature == 0) ? defaults.Acceptance : null,
        };
    }

    private static DraftingOptions Drafting(DraftingBody body, DraftingOptions defaults)
    {
        UnknownFields.Refuse("drafting", body.Others);
        DraftingOptions options = body.Strategy is { } strategy ? new DraftingOptions { Strategy = strategy } : defaults with { };
        if (body.ExitLayer is { } exit)
        {
            options.ExitLayer = exit;
        }

        options.SkipAttention = body.SkipAttention ?? options.SkipAttention;
        options.SkipMlp = body.SkipMlp ?? options.SkipMlp;
        options.Threshold = Checked("drafting.threshold", body.Threshold, value => value is >= 0 and <= 1, "a probability from 0 to 1") ?? options.Threshold;
        if (body.DraftLength is { } length)
        {
            options.DraftLength = length is >= 1 and <= DraftingOptions.MaxDraftLength ? length
                : throw ApiException.Invalid("drafting.draft_length", $"'drafting.draft_length' is {length}: give 1 to {DraftingOptions.MaxDraftLength}, or the strategy none.");
        }

        return options;
    }

    private static void CheckStream(GenerationBody body)
    {
        if (body.StreamOptions is { } options && body.Stream != true)
        {
            throw ApiException.Invalid("stream_options", "'stream_options' goes with a stream: set 'stream' to true, or leave it out.");
        }

        if (body.StreamOptions?.IncludeObfuscation == true)
        {
            throw ApiException.Unsupported("stream_options.include_obfuscation", "'stream_options.include_obfuscation' is not served: leave it out.");
        }
    }

    private static void CheckFormat(JsonElement? format)
    {
        if (format is not { } given || given.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        bool isText = given.ValueKind == JsonValueKind.Object && given.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("text");
        if (!isText)
        {
            throw ApiException.Unsupported("response_format", "'response_format' must be {\"type\": \"text\"} or left out: others are not served.");
        }
    }

    // What the engine has no place for.
    private static void RefuseNotYetServed(GenerationBody body)
    {
        (string Field, bool IsGiven)[] fields =
        [
            ("stop", body.Stop is { ValueKind: not JsonValueKind.Null } stop && !(stop.ValueKind == JsonValueKind.Array && stop.GetArrayLength() == 0)),
            ("include_stop_str_in_output", body.IncludeStop == true),
            ("frequency_penalty", body.FrequencyPenalty is not (null or 0)),
            ("presence_penalty", body.PresencePenalty is not (null or 0)),
            ("repetition_penalty", body.RepetitionPenalty is not (null or 1)),
            ("logit_bias", body.LogitBias is { Count: > 0 }),
            ("min_tokens", body.MinTokens is not (null or 0)),
        ];
        foreach ((string field, bool isGiven) in fields)
        {
            if (isGiven)
            {
                throw ApiException.Unsupported(field, $"The field '{field}' is not served: leave it out.");
            }
        }
    }

    private static float? Checked(string field, float? value, Func<float, bool> isRight, string range) => value is not { } number ? null
        : float.IsFinite(number) && isRight(number) ? number
        : throw ApiException.Invalid(field, FormattableString.Invariant($"'{field}' is {number}: give {range}."));
}
