using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>A whole template, ready to run. It does not change, so any number of renderings may share it.</summary>
internal sealed class TemplateTree
{
    private readonly ScopedSuite _body;
    private readonly IReadOnlyDictionary<string, Block> _blocks;
    private readonly bool _foldsConstants;
    private readonly bool _usesSelf;

    /// <param name="body">Its statements.</param>
    /// <param name="blocks">Its blocks by name, wherever they stand.</param>
    /// <param name="foldsConstants">Whether it matters that Jinja2 evaluates constant expressions beforehand.</param>
    public TemplateTree(Suite body, IReadOnlyDictionary<string, Block> blocks, bool foldsConstants)
    {
        (_blocks, _foldsConstants) = (blocks, foldsConstants);
        NameUse names = new();
        body.Mention(names);
        _usesSelf = names.Reads("self");
        _body = new ScopedSuite(body);
        _body.Resolve(parent: null, _usesSelf ? ["self"] : []);
    }

    /// <exception cref="TemplateError">What the template did wrong, or raised.</exception>
    public string Render(Run run)
    {
        run.Meter.FoldsConstants = _foldsConstants;
        MemoryAccount.Mark begin = run.Meter.Memory.Now;
        OutputText output = new(run.Meter);
        Frame root = Frame.Root(run, output, _body.AssignedLater);
        if (_usesSelf)
        {
            root.Set("self", new TemplateReference(_blocks, root));
        }

        _body.Suite.Execute(root);
        return output.End(begin, root);
    }
}
