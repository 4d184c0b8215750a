using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Batch;

/// <summary>One line of input, read and checked.</summary>
internal sealed class BatchLine
{
    private static readonly string[] Members =
    [
        "id", "prompt", "tokens", "messages", "max_tokens", "ignore_eos", "temperature", "top_k", "top_p", "min_p", "top_n_sigma", "seed",
        "stop", "include_stop", "min_tokens", "repetition_penalty", "frequency_penalty", "presence_penalty", "penalty_window", "logit_bias", "ban",
        "logprobs", "prompt_logprobs", "n", "best_of", "deadline", "priority",
    ];

    private BatchLine(GenerationRequest request) => Request = request;

    private SamplingOptions Sampling => Request.Sampling!;

    /// <summary>The line's own name, a text or a number as it stands there; null for none.</summary>
    public JsonElement? Id { get; private set; }

    /// <summary>The command's options with what the line says in their place: one of prompt, tokens and messages is not null.</summary>
    public GenerationRequest Request { get; private set; }

    /// <summary>What is wrong with the line, a sentence; null when nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads a line; one that cannot be used has an <see cref="Error"/>.</summary>
    /// <param name="utf8">The line.</param>
    /// <param name="every">The command's options.</param>
    public static BatchLine Parse(ReadOnlyMemory<byte> utf8, GenerationRequest every)
    {
        BatchLine line = new(every with { Sampling = every.Sampling! with { } });
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 64 });
            line.Error = line.Read(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The latter for a text that is not valid Unicode.
            line.Error = $"It is not JSON ({error.Message.TrimEnd('.')}): write one object a line.";
        }

        return line;
    }

    private string? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return "It is no JSON object: write one with 'prompt', 'tokens' or 'messages'.";
        }

        List<string> given = [];
        foreach (JsonProperty member in root.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (Read(member.Name, member.Value) is { } problem)
            {
                return problem;
            }

            given.Add(member.Name);
        }

        if (given.Count(name => name is "prompt" or "tokens" or "messages") != 1)
        {
            return "It needs one of 'prompt', 'tokens' and 'messages'.";
        }

        return Sampling.Temperature == 0 && given.Find(name => name is "top_k" or "top_p" or "min_p" or "top_n_sigma" or "seed") is { } idle
            ? $"'{idle}' has no effect without a 'temperature' above 0: leave it out, or give one."
            : null;
    }

    private string? Read(string name, JsonElement value)
    {
        switch (name)
        {
            case "id":
                // Read, so that a text that is not valid Unicode is found now, and not when it is written.
                Id = value.ValueKind == JsonValueKind.Number || (value.ValueKind == JsonValueKind.String && value.GetString() is not null) ? value.Clone() : null;
                return Id is null ? "'id' must be a text or a number." : null;
            case "prompt":
                Request = Request with { Prompt = value.ValueKind == JsonValueKind.String ? value.GetString() : null };
                return Request.Prompt is null ? "'prompt' must be a text." : null;
            case "tokens":
                return ReadTokens(value);
            case "messages":
                return ReadMessages(value);
            case "max_tokens":
                return Whole(value, 1, number => Request with { MaxTokens = number }) ? null : "'max_tokens' must be a whole number, 1 or more.";
            case "ignore_eos":
                return Flag(value, flag => Request with { IgnoreEndOfSequence = flag }) ? null : "'ignore_eos' must be true or false.";
            case "stop":
                return Texts(value, texts => Request with { Stop = texts }) ? null : "'stop' must be a text or an array of texts, none of them empty.";
            case "include_stop":
                return Flag(value, flag => Request with { IncludeStop = flag }) ? null : "'include_stop' must be true or false.";
            case "min_tokens":
                return Whole(value, 0, number => Request with { MinTokens = number }) ? null : "'min_tokens' must be a whole number, 0 or more.";
            case "ban":
                return Texts(value, texts => Request with { BannedPhrases = texts }) ? null : "'ban' must be a text or an array of texts, none of them empty.";
            case "logit_bias":
                return ReadBias(value);
            case "logprobs":
                return Whole(value, 0, number => Request with { LogProbabilities = number }) ? null : "'logprobs' must be a whole number, 0 or more.";
            case "prompt_logprobs":
                return Whole(value, 0, number => Request with { PromptLogProbabilities = number }) ? null : "'prompt_logprobs' must be a whole number, 0 or more.";
            case "n":
                return Whole(value, 1, number => Request with { Choices = number }) ? null : "'n' must be a whole number, 1 or more.";
            case "best_of":
                return Whole(value, 1, number => Request with { BestOf = number }) ? null : "'best_of' must be a whole number, 1 or more.";
            case "priority":
                return Whole(value, int.MinValue, number => Request with { Priority = number }) ? null : "'priority' must be a whole number.";
            case "deadline":
                return Real(value, number => number is > 0 and < 1e6f, number => Request = Request with { Deadline = TimeSpan.FromSeconds(number) })
                    ? null : "'deadline' must be a number of seconds above 0, below a million.";
            case "repetition_penalty":
                return Real(value, number => number is > 0 and <= 100, number => Sampling.RepetitionPenalty = number)
                    ? null : "'repetition_penalty' must be a number above 0, at most 100.";
            case "frequency_penalty":
                return Real(value, number => number is >= -2 and <= 2, number => Sampling.FrequencyPenalty = number)
                    ? null : "'frequency_penalty' must be a number from -2 to 2.";
            case "presence_penalty":
                return Real(value, number => number is >= -2 and <= 2, number => Sampling.PresencePenalty = number)
                    ? null : "'presence_penalty' must be a number from -2 to 2.";
            case "penalty_window":
                Sampling.PenaltyWindow = Whole(value, 0) ?? -1;
                return Sampling.PenaltyWindow < 0 ? "'penalty_window' must be a whole number, 0 or more." : null;
            case "temperature":
                return Real(value, number => number >= 0, number => Sampling.Temperature = number) ? null : "'temperature' must be a number, 0 or more.";
            case "top_k":
                Sampling.TopK = Whole(value, 0) ?? -1;
                return Sampling.TopK < 0 ? "'top_k' must be a whole number, 0 or more." : null;
            case "top_p":
                return Real(value, number => number is > 0 and <= 1, number => Sampling.TopP = number) ? null : "'top_p' must be a probability above 0, at most 1.";
            case "min_p":
                return Real(value, number => number is >= 0 and <= 1, number => Sampling.MinP = number) ? null : "'min_p' must be a probability from 0 to 1.";
            case "top_n_sigma":
                return Real(value, number => number >= 0, number => Sampling.TopNSigma = number)
                    ? null : "'top_n_sigma' must be a number of standard deviations, 0 or more.";
            case "seed":
                Sampling.Seed = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long seed) ? seed : null;
                return Sampling.Seed is null ? "'seed' must be a whole number of at most 64 bits." : null;
            default:
                // Other members are somebody's notes, unless they look like a slip of the pen.
                return name.Length >= 5 && Members.FirstOrDefault(known => known.Length >= 5 && Suggestion.IsSlip(name, known)) is { } meant
                    ? $"'{name}' is not known: did you mean '{meant}'?"
                    : null;
        }
    }

    private string? ReadTokens(JsonElement value)
    {
        const string Wrong = "'tokens' must be an array of token ids, whole numbers from 0.";
        if (value.ValueKind != JsonValueKind.Array)
        {
            return Wrong;
        }

        int[] tokens = new int[value.GetArrayLength()];
        int count = 0;
        foreach (JsonElement element in value.EnumerateArray())
        {
            if (Whole(element, 0) is not { } token)
            {
                return Wrong;
            }

            tokens[count++] = token;
        }

        Request = Request with { Tokens = tokens };
        return null;
    }

    private string? ReadMessages(JsonElement value)
    {
        const string Wrong = "'messages' must be an array of objects with a text 'role' and a text 'content'.";
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            return Wrong;
        }

        List<ChatMessage> messages = [];
        foreach (JsonElement element in value.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Object || Text(element, "role") is not { } role || Text(element, "content") is not { } content)
            {
                return Wrong;
            }

            messages.Add(new ChatMessage(role, content));
        }

        Request = Request with { Messages = messages };
        return null;
    }

    private string? ReadBias(JsonElement value)
    {
        const string Wrong = "'logit_bias' must be an object of numbers by token id.";
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Wrong;
        }

        Dictionary<int, float> bias = [];
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (!int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int token)
                || !Real(member.Value, _ => true, number => bias[token] = number))
            {
                return Wrong;
            }
        }

        Request = Request with { LogitBias = bias };
        return null;
    }

    private bool Flag(JsonElement value, Func<bool, GenerationRequest> set)
    {
        bool isFlag = value.ValueKind is JsonValueKind.True or JsonValueKind.False;
        Request = isFlag ? set(value.GetBoolean()) : Request;
        return isFlag;
    }

    private bool Whole(JsonElement value, int min, Func<int, GenerationRequest> set)
    {
        int? number = Whole(value, min);
        Request = number is { } given ? set(given) : Request;
        return number is not null;
    }

    private bool Texts(JsonElement value, Func<string[], GenerationRequest> set)
    {
        JsonElement[] all = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        if (all.Length == 0 || !Array.TrueForAll(all, element => element.ValueKind == JsonValueKind.String && element.GetString()!.Length > 0))
        {
            return false;
        }

        Request = set(Array.ConvertAll(all, element => element.GetString()!));
        return true;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Whole(JsonElement value, int min) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min ? number : null;

    private static bool Real(JsonElement value, Func<float, bool> isAllowed, Action<float> set)
    {
        if (value.ValueKind != JsonValueKind.Number || !float.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out float number)
            || !float.IsFinite(number) || !isAllowed(number))
        {
            return false;
        }

        set(number);
        return true;
    }
}
