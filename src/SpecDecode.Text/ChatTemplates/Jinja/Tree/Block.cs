using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Syntax;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>
/// <c>{% block name %}</c>: without inheritance it is its content, in a scope that sees the template's own variables alone.
/// <c>self.name()</c> renders it once more, wherever it is called.
/// </summary>
internal sealed class Block : Statement
{
    private readonly bool _isScoped;
    private readonly ScopedSuite _body;
    private readonly IReadOnlyDictionary<string, Block> _blocks;
    private readonly bool _usesSelf;
    private readonly bool _usesSuper;

    /// <param name="at">Where it is.</param>
    /// <param name="name">Its name.</param>
    /// <param name="isScoped">Whether it sees the scopes around it.</param>
    /// <param name="body">Its content.</param>
    /// <param name="blocks">All blocks of the template, this one too once the template is read.</param>
    public Block(Position at, string name, bool isScoped, ScopedSuite body, IReadOnlyDictionary<string, Block> blocks)
        : base(at)
    {
        (Name, _isScoped, _body, _blocks) = (name, isScoped, body, blocks);
        NameUse names = new();
        body.Suite.Mention(names);
        _usesSelf = names.Reads("self");
        _usesSuper = names.Reads("super");
    }

    public string Name { get; }

    public override Flow Execute(Frame frame)
    {
        Write(_isScoped ? frame.Inner(_body.AssignedLater) : frame.Block(_body.AssignedLater, frame.Output));
        return Flow.Next;
    }

    /// <summary>Its content as a text.</summary>
    /// <param name="frame">A scope of the template.</param>
    public string Render(Frame frame)
    {
        Meter.EnsureStack();
        MemoryAccount.Mark begin = frame.Meter.Memory.Now;
        OutputText output = new(frame.Meter);
        Frame inner = frame.Block(_body.AssignedLater, output);
        frame.Meter.Enter();
        Write(inner);
        frame.Meter.Leave();
        return output.End(begin, inner);
    }

    public override void Declare(Symbols scope)
    {
    }

    public override void Resolve(Symbols scope) => _body.Resolve(parent: null, [.. Declared()]);

    public override void Mention(NameUse names)
    {
    }

    private void Write(Frame inner)
    {
        if (_usesSelf)
        {
            inner.Capture();
            inner.Set("self", new TemplateReference(_blocks, inner));
        }

        if (_usesSuper)
        {
            inner.Set("super", BlockReference.Parent(Name));
        }

        _body.Suite.Execute(inner);
    }

    private IEnumerable<string> Declared() => new[] { _usesSelf ? "self" : null, _usesSuper ? "super" : null }.OfType<string>();
}
