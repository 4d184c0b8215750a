using SpecDecode.ChatTemplates.Jinja.Syntax;

namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>
/// What goes wrong inside the engine. It never leaves it: the public class turns it into a <see cref="ChatTemplateException"/>
/// with the place. Kinds have the names of Python's and Jinja's exceptions, whose messages template authors know.
/// </summary>
internal sealed class TemplateError(string kind, string reason, Position? at = null) : Exception(reason)
{
    /// <summary>The exception's name; empty for what the template itself raised.</summary>
    public string Kind { get; } = kind;

    /// <summary>Where, if it was raised at a place known then; otherwise it is where the run stands.</summary>
    public Position? At { get; } = at;

    /// <summary>The message with its kind in front, the template's own without.</summary>
    public string Reason => Kind.Length == 0 ? Message : $"{Kind}: {Message}";

    /// <summary>The kind of what the sandbox forbids.</summary>
    public const string SecurityKind = "SecurityError";

    /// <summary>By <c>raise_exception</c>.</summary>
    public static TemplateError Raised(string message) => new("", message);

    public static TemplateError Syntax(string message, Position at) => new("TemplateSyntaxError", message, at);

    public static TemplateError Type(string message) => new("TypeError", message);

    public static TemplateError Value(string message) => new("ValueError", message);

    public static TemplateError Overflow(string message) => new("OverflowError", message);

    public static TemplateError ZeroDivision(string message) => new("ZeroDivisionError", message);

    public static TemplateError Key(string message) => new("KeyError", message);

    public static TemplateError Index(string message) => new("IndexError", message);

    public static TemplateError Attribute(string message) => new("AttributeError", message);

    public static TemplateError Security(string message) => new(SecurityKind, message);

    public static TemplateError Runtime(string message) => new("TemplateRuntimeError", message);

    public static TemplateError FilterArgument(string message) => new("FilterArgumentError", message);

    /// <summary>A bound of the sandbox was reached.</summary>
    public static TemplateError Limit(string message) => new(SecurityKind, message);

    /// <summary>The same, of a bound that the caller can set.</summary>
    /// <param name="message">What was too much, without a full stop.</param>
    /// <param name="option">The property of <see cref="ChatTemplateLimits"/>.</param>
    public static TemplateError Limit(string message, string option) =>
        Limit($"{message}. If the template is one you trust, set a higher {nameof(ChatTemplateLimits)}.{option} in its input.");

    /// <summary>An expression is no constant; nobody is told.</summary>
    public static TemplateError NotConstant() => new("Impossible", "not a constant");

    /// <summary>Something that Jinja2 has and this engine does not.</summary>
    public static TemplateError Unsupported(string message) => new("NotSupportedError", message);
}
