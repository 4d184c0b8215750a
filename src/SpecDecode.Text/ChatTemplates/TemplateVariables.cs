using System.Globalization;
using System.Numerics;
using System.Text.Json;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates;

/// <summary>A conversation as the variables that a template sees, and how much they are.</summary>
internal sealed class TemplateVariables
{
    private const int MaxDigits = 1000;

    // Nothing of the caller's data counts against the template.
    private readonly Meter _meter;
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    private readonly TemplateTexts? _texts;

    private TemplateVariables(TemplateTexts? texts, CancellationToken cancellationToken) =>
        (_texts, _meter) = (texts, new Meter(RenderLimits.None, cancellationToken));

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, object?> Values => _values;

    public InputSize Size { get; } = new();

    /// <param name="input">The conversation.</param>
    /// <param name="specialTokens">The checkpoint's special tokens by name; the input's win.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="texts">What becomes of texts; null leaves them.</param>
    /// <exception cref="SpecDecodeException">A value cannot be given to a template, or the messages are no array.</exception>
    public static TemplateVariables Of(
        ChatTemplateInput input, IReadOnlyDictionary<string, string> specialTokens, CancellationToken cancellationToken, TemplateTexts? texts = null)
    {
        if (input.Messages.ValueKind != JsonValueKind.Array)
        {
            throw new SpecDecodeException("The messages of a chat must be a JSON array.");
        }

        TemplateVariables variables = new(texts, cancellationToken);
        Dictionary<string, object?> values = variables._values;
        variables.Add("messages", input.Messages);
        variables.Add("tools", input.Tools);
        variables.Add("documents", input.Documents);
        values["add_generation_prompt"] = input.AddGenerationPrompt;
        foreach ((string name, string token) in specialTokens)
        {
            values[name] = texts?.Token(token) ?? token;
        }

        if (input.BosToken is { } bos)
        {
            values["bos_token"] = texts?.Token(bos) ?? bos;
        }

        if (input.EosToken is { } eos)
        {
            values["eos_token"] = texts?.Token(eos) ?? eos;
        }

        foreach ((string name, JsonElement value) in input.Variables)
        {
            variables.Add(name, value);
        }

        return variables;
    }

    private void Add(string variable, JsonElement? json)
    {
        try
        {
            _values[variable] = json is not { } value ? null : variable == "messages" ? ConvertMessages(value) : Convert(value, 0, isAssistant: false);
            Size.Entries += json is { ValueKind: JsonValueKind.Array } array ? array.GetArrayLength() : 0;
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

    private object? ConvertMessages(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            return Convert(json, 0, isAssistant: false);
        }

        _meter.Step();
        Size.Values++;
        return new ListValue([.. json.EnumerateArray().Select(message => Convert(message, 1, ChatRoles.IsAssistant(message)))]);
    }

    private string Text(string text, bool isAssistant) => _texts?.Content(text, isAssistant) ?? text;

    private object? Convert(JsonElement json, int depth, bool isAssistant)
    {
        Meter.EnsureDepth(depth);
        _meter.Step();
        Size.Values++;
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                string text = Text(json.GetString()!, isAssistant);
                Size.Characters += text.Length;
                return text;
            case JsonValueKind.Number:
                return ToNumber(json.GetRawText());
            case JsonValueKind.True or JsonValueKind.False:
                return json.GetBoolean();
            case JsonValueKind.Array:
                return new ListValue([.. json.EnumerateArray().Select(item => Convert(item, depth + 1, isAssistant))]);
            case JsonValueKind.Object:
                DictValue dict = new();
                foreach (JsonProperty property in json.EnumerateObject())
                {
                    string name = Text(property.Name, isAssistant);
                    Size.Characters += name.Length;
                    dict.Set(_meter, name, Convert(property.Value, depth + 1, isAssistant && !property.NameEquals("tool_calls")));
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
