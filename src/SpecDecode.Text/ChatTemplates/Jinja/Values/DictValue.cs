using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A dictionary in order of insertion, with Python's idea of equal keys. It is filled once and not changed then.</summary>
internal sealed class DictValue
{
    private readonly OrderedDictionary<object, object?> _entries;

    public DictValue(int capacity = 0)
    {
        _entries = new OrderedDictionary<object, object?>(capacity, KeyComparer.Instance);
    }

    public int Count => _entries.Count;

    /// <summary>Keys in order.</summary>
    public IEnumerable<object?> Keys => _entries.Keys.Select(KeyComparer.Unwrap);

    public IEnumerable<KeyValuePair<object?, object?>> Entries =>
        _entries.Select(entry => new KeyValuePair<object?, object?>(KeyComparer.Unwrap(entry.Key), entry.Value));

    /// <summary>Adds an entry or changes its value, which keeps its place.</summary>
    /// <exception cref="TemplateError">The key has no hash.</exception>
    public void Set(Meter meter, object? key, object? value) => _entries[KeyComparer.Wrap(meter, key)] = value;

    /// <exception cref="TemplateError">The key has no hash.</exception>
    public bool TryGet(Meter meter, object? key, out object? value) => _entries.TryGetValue(KeyComparer.Wrap(meter, key), out value);

    public KeyValuePair<object?, object?> At(int index)
    {
        KeyValuePair<object, object?> entry = _entries.GetAt(index);
        return new(KeyComparer.Unwrap(entry.Key), entry.Value);
    }
}
