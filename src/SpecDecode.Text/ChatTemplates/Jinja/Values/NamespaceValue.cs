namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>namespace()</c> makes: the one thing whose attributes a template can set, from any scope.</summary>
internal sealed class NamespaceValue
{
    private readonly OrderedDictionary<string, object?> _attributes = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, object?>> Attributes => _attributes;

    public bool TryGet(string name, out object? value) => _attributes.TryGetValue(name, out value);

    public void Set(string name, object? value) => _attributes[name] = value;
}
