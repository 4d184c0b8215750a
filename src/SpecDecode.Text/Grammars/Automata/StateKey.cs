namespace SpecDecode.Grammars.Automata;

/// <summary>What makes a state: the same items and the same ends are the same state.</summary>
internal readonly struct StateKey : IEquatable<StateKey>
{
    private readonly int _hash;
    private readonly bool _mayEnd, _leaves;

    public StateKey(StateItem[] items, bool mayEnd, bool leaves)
    {
        (Items, _mayEnd, _leaves) = (items, mayEnd, leaves);
        var hash = new HashCode();
        foreach (var item in items)
            hash.Add(item.GetHashCode());
        hash.Add(mayEnd);
        hash.Add(leaves);
        _hash = hash.ToHashCode();
    }

    public StateItem[] Items { get; }

    public bool Equals(StateKey other)
    {
        if (_hash != other._hash || _mayEnd != other._mayEnd || _leaves != other._leaves || Items.Length != other.Items.Length)
            return false;
        for (int i = 0; i < Items.Length; i++)
        {
            if (!Items[i].Equals(other.Items[i]))
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => obj is StateKey other && Equals(other);

    public override int GetHashCode() => _hash;
}
