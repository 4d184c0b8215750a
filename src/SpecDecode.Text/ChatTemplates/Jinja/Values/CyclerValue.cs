namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>cycler()</c> makes: its items in turn, over and over.</summary>
internal sealed class CyclerValue(IReadOnlyList<object?> items)
{
    private int _position;

    public object? Current => items[_position];

    public object? Next()
    {
        object? current = Current;
        _position = (_position + 1) % items.Count;
        return current;
    }

    public void Reset() => _position = 0;
}
