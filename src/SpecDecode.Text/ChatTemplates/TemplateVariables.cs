using System.Globalization;
using System.Numerics;
using System.Text.Json;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates;

/// <summary>A conversation as the variables that a template sees.</summary>
internal static class TemplateVariables
{
    private const int MaxDigits = 1000;

    // Nothing of the caller's data counts against the template.
    private static Meter Unmetered => new(
        RenderLimits.Default with { Steps = long.MaxValue - 1, AllocatedBytes = long.MaxValue }, CancellationToken.None);

    /// <param name="input">The conversation.</param>
    /// <param name="specialTokens">The checkpoint's special tokens by name; the input's win.</param>
    /// <exception cref="SpecDecodeException">A value cannot be given to a template.</exception>
    public static IReadOnlyDictionary<string, object?> Of(ChatTemplateInput input, IReadOnlyDictionary<string, string> specialTokens)
    {
        Meter meter = Unmetered;
        Dictionary<string, object?> variables = new(StringComparer.Ordinal)
        {
            ["messages"] = Convert(meter, "messages", input.Messages),
            ["tools"] = input.Tools is { } tools ? Convert(meter, "tools", tools) : null,
            ["documents"] = input.Documents is { } documents ? Convert(meter, "documents", documents) : null,
            ["add_generation_prompt"] = input.AddGenerationPrompt,
        };
        foreach ((string name, string token) in specialTokens)
        {
            variables[name] = token;
        }

        if (input.BosToken is { } bos)
        {
            variables["bos_token"] = bos;
        }

        if (input.EosToken is { } eos)
        {
            variables["eos_token"] = eos;
        }

        foreach ((string name, JsonElement value) in input.Variables)
        {
            variables[name] = Convert(meter, name, value);
        }

        return variables;
    }

    private static object? Convert(Meter meter, string variable, JsonElement json)
    {
        try
        {
            return Convert(meter, json, 0);
        }
        catch (TemplateError error)
        {
            throw new SpecDecodeException($"The variable '{variable}' of a chat template cannot be used: {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // What the runtime throws for half a surrogate pair.
            throw new SpecDecodeException(
                $"The variable '{variable}' of a chat template has a text that is not valid Unicode (half a surrogate pair).", error);
        }
    }

    private static object? Convert(Meter meter, JsonElement json, int depth)
    {
        Meter.EnsureDepth(depth);
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                return json.GetString();
            case JsonValueKind.Number:
                return ToNumber(json.GetRawText());
            case JsonValueKind.True or JsonValueKind.False:
                return json.GetBoolean();
            case JsonValueKind.Array:
                return new ListValue([.. json.EnumerateArray().Select(item => Convert(meter, item, depth + 1))]);
            case JsonValueKind.Object:
                DictValue dict = new();
                foreach (JsonProperty property in json.EnumerateObject())
                {
                    dict.Set(meter, property.Name, Convert(meter, property.Value, depth + 1));
                }

                return dict;
            default:
                return null;
        }
    }

    private static object ToNumber(string text)
    {
        if (text.AsSpan().IndexOfAny(".eE") >= 0)
        {
            return double.Parse(text, CultureInfo.InvariantCulture);
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long small) ? small
            : text.Length <= MaxDigits ? Number.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture))
            : throw TemplateError.Value($"a whole number has more than {MaxDigits} digits.");
    }
}
