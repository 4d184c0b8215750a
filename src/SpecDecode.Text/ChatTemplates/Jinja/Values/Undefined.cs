using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>
/// What a name, attribute or element that does not exist evaluates to: printed it is nothing, iterated it is empty, it is
/// false, and to do anything else with it is an error that says what was missing.
/// </summary>
internal sealed class Undefined
{
    private readonly Func<string> _message;
    private readonly string _kind;

    private Undefined(Func<string> message, string kind = "UndefinedError")
    {
        _message = message;
        _kind = kind;
    }

    /// <summary>A variable that was never set.</summary>
    public static Undefined Named(string name) => new(() => $"{Repr.OfText(name)} is undefined");

    /// <summary>With a message of its own.</summary>
    public static Undefined Because(string message) => new(() => message);

    /// <summary>A macro's parameter that nobody gave.</summary>
    public static Undefined NotProvided(string parameter) => new(() => $"parameter {Repr.OfText(parameter)} was not provided");

    /// <summary>An attribute or element that a value does not have.</summary>
    public static Undefined Of(object? owner, object? name) => new(() => Text.TryGet(name, out string text)
        ? $"'{Owner(owner)}' has no attribute {Repr.OfText(text)}"
        : $"{Owner(owner)} has no element {Repr.Of(name)}");

    /// <summary>An attribute that the sandbox does not let through.</summary>
    public static Undefined Unsafe(object? owner, string name) => new(
        () => $"access to attribute {Repr.OfText(name)} of '{TypeName.Of(owner)}' object is unsafe.", "SecurityError");

    /// <summary>The error for using it.</summary>
    public TemplateError Error() => new(_kind, _message());

    private static string Owner(object? owner) => owner switch
    {
        null => "None",
        NamespaceValue => "jinja2.utils.Namespace object",
        LoopValue => "jinja2.runtime.LoopContext object",
        MacroValue => "jinja2.runtime.Macro object",
        CyclerValue => "jinja2.utils.Cycler object",
        TemplateReference => "jinja2.runtime.TemplateReference object",
        BlockReference => "jinja2.runtime.BlockReference object",
        JoinerValue => "jinja2.utils.Joiner object",
        MarkupValue => "markupsafe.Markup object",
        _ => TypeName.Of(owner) + " object",
    };
}
