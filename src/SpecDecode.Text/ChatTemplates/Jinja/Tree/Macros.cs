using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A macro's parameter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Default">Its value where none is given, or null.</param>
internal sealed record MacroParameter(string Name, Expression? Default);

/// <summary>What a macro or the body of a call block is made of.</summary>
internal sealed class MacroBody
{
    private readonly ScopedSuite _body;

    /// <param name="name">Its name; null for a call block's.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="body">Its statements.</param>
    public MacroBody(string? name, IReadOnlyList<MacroParameter> parameters, ScopedSuite body)
    {
        (Name, Parameters, _body) = (name, parameters, body);
        NameUse names = new();
        body.Suite.Mention(names);
        UsesCaller = names.Reads("caller");
        UsesNamed = names.Reads("kwargs") && !HasParameter("kwargs");
        UsesRest = names.Reads("varargs") && !HasParameter("varargs");
    }

    public string? Name { get; }

    public IReadOnlyList<MacroParameter> Parameters { get; }

    public IReadOnlyList<string> AssignedLater => _body.AssignedLater;

    public bool UsesCaller { get; }

    public bool UsesNamed { get; }

    public bool UsesRest { get; }

    public bool HasCallerParameter => HasParameter("caller");

    public void Execute(Frame frame) => _body.Suite.Execute(frame);

    public void Resolve(Symbols scope)
    {
        List<string> declared = [.. Parameters.Select(parameter => parameter.Name)];
        declared.AddRange(UsesCaller ? ["caller"] : []);
        declared.AddRange(UsesNamed ? ["kwargs"] : []);
        declared.AddRange(UsesRest ? ["varargs"] : []);
        _body.Resolve(scope, [.. declared]);
    }

    public void Mention(NameUse names)
    {
        foreach (MacroParameter parameter in Parameters)
        {
            names.Assign(parameter.Name);
            parameter.Default?.ReadNames(names.Read);
        }

        _body.Suite.Mention(names);
    }

    private bool HasParameter(string name) => Parameters.Any(parameter => parameter.Name == name);
}

/// <summary><c>{% macro name(a, b=1) %}</c>.</summary>
internal sealed class MacroStatement(Position at, string name, MacroBody macro) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        frame.Capture();
        frame.Set(name, new MacroValue(macro, frame));
        return Flow.Next;
    }

    public override void Declare(Symbols scope) => scope.Assign(name);

    public override void Resolve(Symbols scope) => macro.Resolve(scope);

    public override void Mention(NameUse names) => macro.Mention(names);
}

/// <summary><c>{% call(a) macro() %}</c>: a macro is called and finds the block as <c>caller</c>.</summary>
internal sealed class CallBlock(Position at, Call call, MacroBody body) : Statement(at)
{
    public override Flow Execute(Frame frame)
    {
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        frame.Capture();
        string result = Text.OfBlock(call.Evaluate(frame, new MacroValue(body, frame)));
        frame.Meter.Memory.Release(begin);
        frame.Output.Append(result);
        return Flow.Next;
    }

    public override void Declare(Symbols scope) => call.ReadNames(scope.Read);

    public override void Resolve(Symbols scope) => body.Resolve(scope);

    public override void Mention(NameUse names)
    {
        call.ReadNames(names.Read);
        body.Mention(names);
    }
}
