using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Tree;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// A chat template: the Jinja2 program, published with a model, that turns a conversation into the prompt that the model was
/// trained on. It renders as Hugging Face transformers renders it (Jinja2 3.1 in its immutable sandbox, with
/// <c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls, <c>tojson</c>, <c>raise_exception</c>, <c>strftime_now</c> and the
/// <c>generation</c> tag).
/// </summary>
/// <remarks>
/// Immutable and thread-safe. A template is a stranger's program: it reaches nothing but what it is given, and its steps,
/// memory, output and depth are bounded (<see cref="ChatTemplateLimits"/>).
/// </remarks>
public sealed class ChatTemplate
{
    private const int MaxLength = 1 << 20;

    private static readonly IReadOnlyDictionary<string, string> NoTokens = new Dictionary<string, string>();

    private readonly TemplateTree _tree;

    private ChatTemplate(string name, string source, TemplateTree tree)
    {
        Name = name;
        Source = source;
        _tree = tree;
    }

    /// <summary>The name that errors give it.</summary>
    public string Name { get; }

    /// <summary>Its text.</summary>
    internal string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">Its text, at most 1,048,576 UTF-16 units.</param>
    /// <param name="name">What errors call it, such as the path of its file.</param>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported (include, import, extends).</exception>
    public static ChatTemplate Parse(string source, string name = "chat template")
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (source.Length > MaxLength)
        {
            throw new ChatTemplateException(name, 1, 1, $"the template has {source.Length} characters, and one has at most {MaxLength}.");
        }

        try
        {
            return new ChatTemplate(name, source, TemplateParser.Parse(source));
        }
        catch (TemplateError error)
        {
            Position at = error.At ?? new Position(1, 1);
            throw new ChatTemplateException(name, at.Line, at.Column, error.Reason, error);
        }
    }

    /// <summary>Makes the prompt of a conversation.</summary>
    /// <param name="input">The conversation.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <returns>The prompt, in which special tokens are spelled out; a tokenizer has to be told to read them as such.</returns>
    /// <exception cref="ChatTemplateException">The template refused the conversation, went wrong, or used up more than it may.</exception>
    /// <exception cref="SpecDecodeException">The input is not what it should be.</exception>
    public string Render(ChatTemplateInput input, CancellationToken cancellationToken = default) => Render(input, NoTokens, cancellationToken);

    /// <summary>With the special tokens of a checkpoint, by their names (<c>bos_token</c>).</summary>
    internal string Render(ChatTemplateInput input, IReadOnlyDictionary<string, string> specialTokens, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        TemplateVariables variables = TemplateVariables.Of(input, specialTokens, cancellationToken);
        return Render(variables.Values, input.Now ?? TimeProvider.System.GetLocalNow(), input.Limits.For(variables.Size), cancellationToken);
    }

    internal string Render(IReadOnlyDictionary<string, object?> variables, DateTimeOffset now, RenderLimits limits, CancellationToken cancellationToken)
    {
        Meter meter = new(limits, cancellationToken);
        string text;
        try
        {
            text = _tree.Render(new Run(meter, variables, now));
        }
        catch (TemplateError error)
        {
            Position at = error.At ?? meter.At;
            throw new ChatTemplateException(Name, at.Line, at.Column, error.Reason, error);
        }

        return HasLoneSurrogate(text)
            ? throw new ChatTemplateException(Name, meter.At.Line, meter.At.Column, "the output is not valid Unicode: it has half a surrogate pair.")
            : text;
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (int i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return true;
            }
        }

        return false;
    }
}
