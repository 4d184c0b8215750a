using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>self</c> is: the blocks of the template by name, whichever comes first.</summary>
internal sealed class TemplateReference(IReadOnlyDictionary<string, Block> blocks, Frame scope)
{
    /// <summary>A block to be called, or null.</summary>
    public BlockReference? Find(string name) => blocks.TryGetValue(name, out Block? block) ? new BlockReference(block, scope) : null;
}

/// <summary>A block that can be called, for what it writes.</summary>
internal sealed class BlockReference(Block block, Frame scope) : ICallable
{
    public string Name => block.Name;

    /// <summary>What <c>super</c> is where there is no inheritance.</summary>
    public static Undefined Parent(string name) => Undefined.Because($"there is no parent block called {Repr.OfText(name)}.");

    public object? Call(Run run, Arguments arguments) => arguments.Count == 0 ? block.Render(scope)
        : throw TemplateError.Type("a block takes no arguments");
}
