namespace SpecDecode.Grammars.Automata;

/// <summary>What an edge without a byte does to an item's register.</summary>
internal enum RegisterAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It becomes zero.</summary>
    Reset,

    /// <summary>The edge is there only below the bound.</summary>
    Below,

    /// <summary>It grows by one, up to the bound.</summary>
    Count,

    /// <summary>The edge is there only from the bound on; the register becomes zero.</summary>
    AtLeast,

    /// <summary>The edge is there only from the bound on.</summary>
    From,

    /// <summary>The edge is there only where the bit is not set; it is set.</summary>
    Take,

    /// <summary>The edge is there only where all these bits are set; the register becomes zero.</summary>
    Has,

    /// <summary>The edge is there only where one of these bits is not set.</summary>
    Lacks,
}

/// <summary>An edge that a byte of a range follows.</summary>
internal readonly record struct ByteEdge(byte From, byte To, int Target);

/// <summary>An edge that is followed at once.</summary>
internal readonly record struct FreeEdge(RegisterAction Action, ulong Bound, int Target);

/// <summary>An edge that is followed when a rule has been gone through.</summary>
internal readonly record struct CallEdge(int Rule, int Target);

/// <summary>A place in a rule.</summary>
/// <param name="Bytes">Edges that bytes follow.</param>
/// <param name="Free">Edges that nothing is needed for.</param>
/// <param name="Calls">Edges that rules follow.</param>
/// <param name="Loop">Which counted loop the place is in; -1 for none.</param>
/// <param name="IsEnd">Whether its rule ends here; nothing leads away from there.</param>
internal readonly record struct NetworkNode(ByteEdge[] Bytes, FreeEdge[] Free, CallEdge[] Calls, int Loop, bool IsEnd)
{
    /// <summary>Whether something may follow here, other than by free edges.</summary>
    public bool Waits => Bytes.Length > 0 || Calls.Length > 0;

    /// <summary>How many bytes it takes, about.</summary>
    public long Size => 32 + Array(Bytes.Length, 12) + Array(Free.Length, 24) + Array(Calls.Length, 8);

    // Empty arrays are shared.
    private static long Array(int length, int size) => length == 0 ? 0 : 24 + ((long)length * size);
}

/// <summary>A rule: where it begins.</summary>
internal readonly record struct NetworkRule(int Start, bool CanBeEmpty);

/// <summary>A loop with a register that counts its rounds.</summary>
/// <param name="Min">How many rounds at least.</param>
/// <param name="Max">How many at most; -1 for any number.</param>
internal readonly record struct CountedLoop(int Min, int Max);

/// <summary>
/// A grammar as automata that call each other: places, joined by bytes, by rules, or by nothing. Immutable. From every place the
/// end of its rule can be reached.
/// </summary>
internal sealed class RuleNetwork
{
    public RuleNetwork(NetworkNode[] nodes, NetworkRule[] rules, CountedLoop[] loops)
    {
        Nodes = nodes;
        Rules = rules;
        Loops = loops;
        Classes = new ByteClasses(nodes.SelectMany(node => node.Bytes));
        Bytes = nodes.Sum(node => node.Size);
    }

    public NetworkNode[] Nodes { get; }

    /// <summary>The rules; the first one is the whole text.</summary>
    public NetworkRule[] Rules { get; }

    public CountedLoop[] Loops { get; }

    public ByteClasses Classes { get; }

    /// <summary>How many bytes it takes, about.</summary>
    public long Bytes { get; }
}

/// <summary>Bytes that no edge of a grammar tells apart, as classes.</summary>
internal sealed class ByteClasses
{
    private readonly byte[] _classes = new byte[256];
    private readonly byte[] _first;
    private readonly ByteSet[] _sets;

    public ByteClasses(IEnumerable<ByteEdge> edges)
    {
        Span<bool> begins = stackalloc bool[257];
        begins[0] = true;
        foreach (var edge in edges)
        {
            begins[edge.From] = true;
            begins[edge.To + 1] = true;
        }
        var first = new List<byte>();
        for (int b = 0; b < 256; b++)
        {
            if (begins[b])
                first.Add((byte)b);
            _classes[b] = (byte)(first.Count - 1);
        }
        _first = [.. first];
        _sets = new ByteSet[first.Count];
        for (int b = 0; b < 256; b++)
            _sets[_classes[b]] = _sets[_classes[b]].With((byte)b);
    }

    public int Count => _first.Length;

    /// <summary>The class of each byte.</summary>
    public ReadOnlySpan<byte> OfBytes => _classes;

    /// <summary>The bytes of the class that a byte is in.</summary>
    public ByteSet Of(byte value) => _sets[_classes[value]];

    /// <summary>The lowest byte of a class.</summary>
    public byte First(int number) => _first[number];
}
