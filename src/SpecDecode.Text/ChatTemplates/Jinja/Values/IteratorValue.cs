using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Something that can be gone through once, such as what the filter <c>map</c> gives.</summary>
internal sealed class IteratorValue
{
    private readonly IEnumerator<object?> _items;
    private bool _running;

    /// <param name="items">The elements, made as they are asked for.</param>
    /// <param name="source">What they are made from; iterators may not be stacked without end.</param>
    /// <param name="typeName">The name of its type.</param>
    public IteratorValue(IEnumerable<object?> items, object? source = null, string typeName = "generator")
    {
        _items = items.GetEnumerator();
        TypeName = typeName;
        Depth = source is IteratorValue iterator ? iterator.Depth + 1 : 0;
        if (Depth > RenderLimits.IteratorDepth)
        {
            throw TemplateError.Limit($"more than {RenderLimits.IteratorDepth} iterators are stacked on each other.");
        }
    }

    public string TypeName { get; }

    private int Depth { get; }

    /// <summary>The next element.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Next(out object? item)
    {
        Meter.EnsureStack();
        if (_running)
        {
            throw TemplateError.Value("generator already executing");
        }

        _running = true;
        try
        {
            bool any = _items.MoveNext();
            item = any ? _items.Current : null;
            return any;
        }
        finally
        {
            _running = false;
        }
    }
}
