namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> give.</summary>
internal sealed class ViewValue(DictValue dict, ViewKind kind)
{
    public DictValue Dict => dict;

    public int Count => dict.Count;

    public bool IsValues => kind == ViewKind.Values;

    public bool IsKeys => kind == ViewKind.Keys;

    public string TypeName => kind switch
    {
        ViewKind.Keys => "dict_keys",
        ViewKind.Values => "dict_values",
        _ => "dict_items",
    };

    /// <summary>The element at a place.</summary>
    public object? At(int index)
    {
        (object? key, object? value) = dict.At(index);
        return kind switch
        {
            ViewKind.Keys => key,
            ViewKind.Values => value,
            _ => new TupleValue([key, value]),
        };
    }
}

/// <summary>Which part of the entries a view shows.</summary>
internal enum ViewKind
{
    Keys,
    Values,
    Items,
}
