using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Batch;

/// <summary>One line of input, read and checked.</summary>
internal sealed class BatchLine
{
    private static readonly string[] Members =
        ["id", "prompt", "tokens", "messages", "max_tokens", "ignore_eos", "temperature", "top_k", "top_p", "min_p", "seed"];

    private BatchLine()
    {
    }

    /// <summary>The line's own name, a text or a number as it stands there; null for none.</summary>
    public JsonElement? Id { get; private set; }

    /// <summary>The prompt as text; one of this, <see cref="Tokens"/> and <see cref="Messages"/> is not null.</summary>
    public string? Prompt { get; private set; }

    /// <summary>The prompt as token ids.</summary>
    public int[]? Tokens { get; private set; }

    /// <summary>The prompt as a conversation.</summary>
    public IReadOnlyList<ChatMessage>? Messages { get; private set; }

    /// <summary>Most new tokens; null where the line does not say.</summary>
    public int? MaxTokens { get; private set; }

    /// <summary>Whether end-of-sequence tokens are ignored; null where the line does not say.</summary>
    public bool? IgnoreEos { get; private set; }

    /// <summary>How tokens are chosen: the command's options with what the line says in their place.</summary>
    public SamplingOptions Sampling { get; private set; } = SamplingOptions.Greedy;

    /// <summary>What is wrong with the line, a sentence; null when nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads a line; one that cannot be used has an <see cref="Error"/>.</summary>
    /// <param name="utf8">The line.</param>
    /// <param name="sampling">The command's options.</param>
    public static BatchLine Parse(ReadOnlyMemory<byte> utf8, SamplingOptions sampling)
    {
        BatchLine line = new() { Sampling = sampling with { } };
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

        return Sampling.Temperature == 0 && given.Find(name => name is "top_k" or "top_p" or "min_p" or "seed") is { } idle
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
                Prompt = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
                return Prompt is null ? "'prompt' must be a text." : null;
            case "tokens":
                return ReadTokens(value);
            case "messages":
                return ReadMessages(value);
            case "max_tokens":
                MaxTokens = Whole(value, 1);
                return MaxTokens is null ? "'max_tokens' must be a whole number, 1 or more." : null;
            case "ignore_eos":
                IgnoreEos = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null;
                return IgnoreEos is null ? "'ignore_eos' must be true or false." : null;
            case "temperature":
                return Real(value, number => number >= 0, number => Sampling.Temperature = number) ? null : "'temperature' must be a number, 0 or more.";
            case "top_k":
                Sampling.TopK = Whole(value, 0) ?? -1;
                return Sampling.TopK < 0 ? "'top_k' must be a whole number, 0 or more." : null;
            case "top_p":
                return Real(value, number => number is > 0 and <= 1, number => Sampling.TopP = number) ? null : "'top_p' must be a probability above 0, at most 1.";
            case "min_p":
                return Real(value, number => number is >= 0 and <= 1, number => Sampling.MinP = number) ? null : "'min_p' must be a probability from 0 to 1.";
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

        Tokens = tokens;
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

        Messages = messages;
        return null;
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
