using SpecDecode.Grammars.Masks;

namespace SpecDecode.Grammars.Automata;

/// <summary>A place in a rule that is being gone through.</summary>
/// <param name="Node">The place.</param>
/// <param name="Rule">The rule that it counts as, whose end is the end of this one.</param>
/// <param name="Register">The register.</param>
/// <param name="Origin">The state in which the rule began; null for the state that the item is in.</param>
internal readonly record struct StateItem(int Node, int Rule, ulong Register, GrammarState? Origin)
{
    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Node, Rule, Register, Origin?.Number ?? -1);
}

/// <summary>
/// What may follow a text, whatever the text was: the places that are gone through, with the states to return to. Immutable, and
/// the same object for the same content as long as it is in the machine's table, so that it costs nothing to copy, to compare, or to
/// go back to.
/// </summary>
internal sealed class GrammarState
{
    private readonly GrammarState?[]? _next;

    public GrammarState(int number, int epoch, StateItem[] items, bool mayEnd, bool leaves, bool counts, int classes)
    {
        Number = number;
        Epoch = epoch;
        Items = items;
        MayEnd = mayEnd;
        Leaves = leaves;
        Counts = counts;
        _next = classes == 0 ? null : new GrammarState?[classes];
    }

    /// <summary>The state that nothing may follow and no text ends in.</summary>
    public static GrammarState Dead { get; } = new(0, 0, [], false, false, false, 0);

    /// <summary>What the whole text returns to.</summary>
    public static GrammarState Bottom { get; } = new(1, 0, [], false, false, false, 0);

    /// <summary>A number that tells states apart, and orders them.</summary>
    public int Number { get; }

    /// <summary>Which table of the machine the state was made for.</summary>
    public int Epoch { get; }

    /// <summary>The places that wait for a byte or a rule.</summary>
    public StateItem[] Items { get; }

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd { get; }

    /// <summary>Whether a rule ends here whose origin is not known; see <see cref="Hole"/>.</summary>
    public bool Leaves { get; }

    /// <summary>Whether a counter of an item matters.</summary>
    public bool Counts { get; }

    /// <summary>Whether this stands for any state at all, to which a rule returns.</summary>
    public bool IsHole { get; private init; }

    /// <summary>The same without what lies below: its origins are holes. Null until it is asked for.</summary>
    public GrammarState? Outline { get; set; }

    /// <summary>What is remembered of it for a vocabulary.</summary>
    public TokenMask? Mask { get; set; }

    /// <summary>The tokens of what must follow; null until they are asked for.</summary>
    public int[]? Forced { get; set; }

    /// <summary>The first of them, negative for none; null until it is asked for.</summary>
    public int? FirstForced { get; set; }

    /// <summary>Which bytes lead to the same state, as far as it has been asked for.</summary>
    public EvenBytes? Even { get; set; }

    /// <summary>A state that is not known.</summary>
    public static GrammarState Hole(int number) => new(2 + number, 0, [], false, false, false, 0) { IsHole = true };

    /// <summary>Where a class of bytes leads, if that is known.</summary>
    public GrammarState? Next(int byteClass) => Volatile.Read(ref _next![byteClass]);

    /// <summary>Remembers where a class of bytes leads.</summary>
    public void SetNext(int byteClass, GrammarState state) => Volatile.Write(ref _next![byteClass], state);
}
