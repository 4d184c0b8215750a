using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A whole template, ready to run. It does not change, so any number of renderings may share it.</summary>
internal sealed class TemplateTree
{
    private readonly ScopedSuite _body;

    public TemplateTree(Suite body)
    {
        _body = new ScopedSuite(body);
        _body.Resolve(parent: null);
    }

    /// <exception cref="TemplateError">What the template did wrong, or raised.</exception>
    public string Render(Run run)
    {
        MemoryAccount.Mark begin = run.Meter.Memory.Now;
        OutputText output = new(run.Meter);
        Frame root = Frame.Root(run, output, _body.AssignedLater);
        _body.Suite.Execute(root);
        return output.End(begin, root);
    }
}
