using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>
/// Filters and tests that do not exist. As in Jinja2 they are an error of the template at once, except inside an <c>if</c>,
/// where they are one when they are reached.
/// </summary>
internal sealed class UnknownNames
{
    private readonly List<(string Message, Position At)> _found = [];

    /// <summary>How many there are so far.</summary>
    public int Count => _found.Count;

    public void CheckFilter(string name, Position at)
    {
        if (Filters.Find(name) is null)
        {
            _found.Add(($"No filter named {Repr.OfText(name)}.", at));
        }
    }

    public void CheckTest(string name, Position at)
    {
        if (Tests.Find(name) is null)
        {
            _found.Add(($"No test named {Repr.OfText(name)}.", at));
        }
    }

    /// <summary>Lets those pass that came since.</summary>
    public void Forgive(int since) => _found.RemoveRange(since, _found.Count - since);

    /// <exception cref="TemplateError">There are some that came since.</exception>
    public void Refuse(int since)
    {
        if (_found.Count > since)
        {
            throw new TemplateError("TemplateAssertionError", _found[since].Message, _found[since].At);
        }
    }
}
