using System.Globalization;
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
    /// <param name="options">How the endpoints answer.</param>
    /// <exception cref="ApiException">A field is out of range, or not served.</exception>
    public static GenerationRequest Build(GenerationBody body, GenerationDefaults defaults, (string Field, int? Value) maxTokens, SpecDecodeEndpointOptions options)
    {
        UnknownFields.Refuse(body.Others);
        UnknownFields.Refuse("stream_options", body.StreamOptions?.Others);
        CheckStream(body);
        if (maxTokens.Value < 1)
        {
            throw ApiException.Invalid(maxTokens.Field, $"'{maxTokens.Field}' is {maxTokens.Value}: ask for at least 1.");
        }

        return new GenerationRequest
        {
            MaxTokens = maxTokens.Value,
            MinTokens = body.MinTokens is not < 0 ? body.MinTokens ?? 0 : throw ApiException.Invalid("min_tokens", $"'min_tokens' is {body.MinTokens}: give 0 or more."),
            IgnoreEndOfSequence = body.IgnoreEos == true,
            Stop = StopStrings(body.Stop),
            IncludeStop = body.IncludeStop == true,
            Grammar = AnswerForm.Read(body, options),
            StopTokens = body.StopTokenIds ?? [],
            LogitBias = Bias(body.LogitBias),
            BannedPhrases = body.BadWords is { } words && words.Any(string.IsNullOrEmpty)
                ? throw ApiException.Invalid("bad_words", "'bad_words' has an empty text: give texts that are not.") : body.BadWords ?? [],
            Sampling = Sampling(body, defaults.Sampling),
            CacheScope = body.CacheSalt is "" ? throw ApiException.Invalid("cache_salt", "'cache_salt' is empty: give a text that is not, or leave it out.") : body.CacheSalt,
            Drafting = body.Drafting is { } drafting ? Drafting(drafting, defaults.Drafting) : null,
        };
    }

    /// <summary>How many of the most probable tokens are told.</summary>
    /// <param name="field">The field.</param>
    /// <param name="top">What it says; null where it is not there.</param>
    public static int? LogProbabilities(string field, int? top) => top is null or (>= 0 and <= 20) ? top
        : throw ApiException.Invalid(field, $"'{field}' is {top}: give 0 to 20.");

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

    /// <summary>Refuses a request of more texts than its model ever takes at a time: a full queue would have it sent again for ever.</summary>
    /// <param name="field">The field that says how many.</param>
    /// <param name="texts">How many texts are written for it.</param>
    /// <param name="model">The model.</param>
    public static void CheckTexts(string field, long texts, ModelInfo model)
    {
        if (texts > model.MaxTexts)
        {
            throw ApiException.Invalid(field, $"{texts} texts are asked for, and this model takes {model.MaxTexts} at a time: ask for fewer, or send several requests.");
        }
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
            TopNSigma = body.TopNSigma switch
            {
                // Others say -1 for no limit.
                -1 => 0,
                { } sigma => Checked("top_n_sigma", sigma, value => value >= 0, "a number of standard deviations, or 0 for no limit") ?? 0,
                null => defaults.TopNSigma,
            },
            Seed = body.Seed ?? defaults.Seed,
            FrequencyPenalty = Checked("frequency_penalty", body.FrequencyPenalty, value => value is >= -2 and <= 2, "a number from -2 to 2") ?? defaults.FrequencyPenalty,
            PresencePenalty = Checked("presence_penalty", body.PresencePenalty, value => value is >= -2 and <= 2, "a number from -2 to 2") ?? defaults.PresencePenalty,
            RepetitionPenalty = Checked("repetition_penalty", body.RepetitionPenalty, value => value is > 0 and <= 100, "a number above 0, at most 100") ?? defaults.RepetitionPenalty,

            // What is configured for drawing holds for nothing where nothing is drawn, and the other way round.
            Acceptance = (temperature == 0) == (defaults.Temperature == 0) ? defaults.Acceptance : null,
        };
    }

    private static DraftingOptions Drafting(DraftingBody body, DraftingOptions defaults)
    {
        UnknownFields.Refuse("drafting", body.Others);
        DraftingOptions options = body.Strategy is { } strategy ? new DraftingOptions { Strategy = strategy } : defaults with { };
        if ((body.ExitLayer is not null || body.SkipAttention is not null || body.SkipMlp is not null) && body.CascadeExits is null)
        {
            // The configured cascade is one of the configured plan.
            options = options.WithoutCascade();
        }

        if (body.ExitLayer is { } exit)
        {
            options.ExitLayer = exit;
        }

        options.SkipAttention = body.SkipAttention ?? options.SkipAttention;
        options.SkipMlp = body.SkipMlp ?? options.SkipMlp;
        options.Threshold = Checked("drafting.threshold", body.Threshold, value => value is >= 0 and <= 1, "a probability from 0 to 1") ?? options.Threshold;
        options.CascadeExits = body.CascadeExits ?? options.CascadeExits;
        options.CascadeThreshold = Checked("drafting.cascade_threshold", body.CascadeThreshold, value => value is >= 0 and <= 1, "a probability from 0 to 1") ?? options.CascadeThreshold;
        if (body.CascadeLength is { } guesses)
        {
            options.CascadeLength = guesses is >= 1 and <= DraftingOptions.MaxDraftLength ? guesses
                : throw ApiException.Invalid("drafting.cascade_length", $"'drafting.cascade_length' is {guesses}: give 1 to {DraftingOptions.MaxDraftLength}.");
        }

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

    private static string[] StopStrings(JsonElement? stop)
    {
        string[]? texts = stop switch
        {
            null or { ValueKind: JsonValueKind.Null } => [],
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } several when several.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String) =>
                [.. several.EnumerateArray().Select(one => one.GetString()!)],
            _ => null,
        };
        return texts?.All(text => text.Length > 0) == true ? texts : throw ApiException.Invalid("stop", "'stop' must be a text that is not empty, or an array of them.");
    }

    private static Dictionary<int, float> Bias(Dictionary<string, float>? bias)
    {
        Dictionary<int, float> read = [];
        foreach ((string token, float value) in bias ?? [])
        {
            read[int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id
                : throw ApiException.Invalid("logit_bias", "'logit_bias' must be an object with token ids as names: whole numbers, 0 or more.")] =
                Checked("logit_bias", value, bias => bias is >= -100 and <= 100, "numbers from -100 to 100")!.Value;
        }

        return read;
    }

    private static float? Checked(string field, float? value, Func<float, bool> isRight, string range) => value is not { } number ? null
        : float.IsFinite(number) && isRight(number) ? number
        : throw ApiException.Invalid(field, FormattableString.Invariant($"'{field}' is {number}: give {range}."));
}
