using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>What stands between the brackets of a call.</summary>
/// <param name="Positional">By place.</param>
/// <param name="Named">By name.</param>
/// <param name="Rest">Behind one star, or null.</param>
/// <param name="NamedRest">Behind two stars, or null.</param>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Rest, Expression? NamedRest)
{
    public static CallArguments None { get; } = new([], [], null, null);

    public IEnumerable<Expression> Parts =>
        [.. Positional, .. Named.Select(argument => argument.Value), .. new[] { Rest, NamedRest }.OfType<Expression>()];

    public Arguments Evaluate(Frame frame)
    {
        if (Positional.Count == 0 && Named.Count == 0 && Rest is null && NamedRest is null)
        {
            return Arguments.None;
        }

        List<object?> positional = new(Positional.Count);
        foreach (Expression argument in Positional)
        {
            positional.Add(argument.Evaluate(frame));
        }

        List<KeyValuePair<string, object?>> named = new(Named.Count);
        foreach ((string name, Expression value) in Named)
        {
            named.Add(new(name, value.Evaluate(frame)));
        }

        if (Rest is not null)
        {
            object? rest = Rest.Evaluate(frame);
            if (!Sequences.IsIterable(rest))
            {
                throw TemplateError.Type($"argument after * must be an iterable, not {TypeName.Of(rest)}");
            }

            positional.AddRange(Sequences.ToList(frame.Meter, rest));
        }

        if (NamedRest is not null)
        {
            object? rest = NamedRest.Evaluate(frame);
            if (rest is not DictValue dict)
            {
                throw rest is Undefined undefined ? undefined.Error() : TemplateError.Type($"argument after ** must be a mapping, not {TypeName.Of(rest)}");
            }

            frame.Meter.AllocateItems(dict.Count);
            HashSet<string> names = [.. named.Select(argument => argument.Key)];
            foreach ((object? key, object? value) in dict.Entries)
            {
                if (!Text.TryGet(key, out string name))
                {
                    throw TemplateError.Type("keywords must be strings");
                }

                named.Add(names.Add(name) ? new(name, value) : throw TemplateError.Type($"got multiple values for keyword argument '{name}'"));
            }
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>f(a)</c>.</summary>
internal sealed class Call(Position at, Expression callee, CallArguments arguments) : Expression(at)
{
    public override IEnumerable<Expression> Parts => [callee, .. arguments.Parts];

    /// <summary>With the body of a call block as <c>caller</c>.</summary>
    public object? Evaluate(Frame frame, MacroValue caller)
    {
        object? function = callee.Evaluate(frame);
        Arguments given = arguments.Evaluate(frame);
        return Invoke(frame, function, given with { Named = [.. given.Named, new("caller", caller)] });
    }

    protected override object? Compute(Frame frame)
    {
        RefuseFolding(frame);
        object? function = callee.Evaluate(frame);
        Arguments given = arguments.Evaluate(frame);
        return Invoke(frame, function, given);
    }

    private object? Invoke(Frame frame, object? function, Arguments given)
    {
        Mark(frame);
        return function switch
        {
            ICallable callable => callable.Call(frame.Run, given),
            Undefined undefined => throw undefined.Error(),
            _ => throw TemplateError.Type($"'{TypeName.Of(function)}' object is not callable"),
        };
    }
}

/// <summary><c>a | filter(b)</c>; the innermost filter of a filter block has no value of its own.</summary>
internal sealed class FilterCall(Position at, Expression? value, string name, CallArguments arguments) : Expression(at)
{
    private readonly BuiltinFunction? _filter = Filters.Find(name);

    // In Jinja2, where such a filter is no part of a constant.
    private readonly bool _seesContext = SelectionFilters.Names.Contains(name);

    public override IEnumerable<Expression> Parts => value is null ? arguments.Parts : [value, .. arguments.Parts];

    /// <summary>Applies a chain of filters to what a block wrote.</summary>
    public object? ApplyTo(Frame frame, object? input)
    {
        Meter.EnsureStack();
        return Invoke(frame, value is FilterCall inner ? inner.ApplyTo(frame, input) : input);
    }

    protected override object? Compute(Frame frame)
    {
        if (_seesContext)
        {
            RefuseFolding(frame);
        }

        return Invoke(frame, value!.Evaluate(frame));
    }

    private object? Invoke(Frame frame, object? input)
    {
        Arguments given = arguments.Evaluate(frame);
        Mark(frame);
        return _filter is not null ? _filter.Call(frame.Run, given.Behind(input))
            : throw TemplateError.Runtime($"No filter named {Repr.OfText(name)} found.");
    }
}

/// <summary><c>a is test(b)</c>.</summary>
internal sealed class TestCall(Position at, Expression value, string name, CallArguments arguments) : Expression(at)
{
    private readonly BuiltinFunction? _test = Tests.Find(name);

    public override IEnumerable<Expression> Parts => [value, .. arguments.Parts];

    protected override object? Compute(Frame frame)
    {
        object? input = value.Evaluate(frame);
        Arguments given = arguments.Evaluate(frame);
        Mark(frame);
        return _test is not null ? _test.Call(frame.Run, given.Behind(input))
            : throw TemplateError.Runtime($"No test named {Repr.OfText(name)} found.");
    }
}
