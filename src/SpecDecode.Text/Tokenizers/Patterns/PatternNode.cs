namespace SpecDecode.Tokenizers.Patterns;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    /// <summary>Whether it can match without taking a code point.</summary>
    public abstract bool MayBeEmpty { get; }

    /// <summary>The number of code points that every match takes; null where they differ.</summary>
    public abstract int? FixedLength { get; }
}

/// <summary>One code point of a set.</summary>
internal sealed record SetNode(CodePointSet Set) : PatternNode
{
    public override bool MayBeEmpty => false;

    public override int? FixedLength => 1;
}

/// <summary>One part after the other.</summary>
internal sealed record SequenceNode(PatternNode[] Items) : PatternNode
{
    public override bool MayBeEmpty => Items.All(item => item.MayBeEmpty);

    public override int? FixedLength => Items.Aggregate((int?)0, (sum, item) => sum + item.FixedLength);
}

/// <summary>The first option with which the whole matches.</summary>
internal sealed record ChoiceNode(PatternNode[] Options) : PatternNode
{
    public override bool MayBeEmpty => Options.Any(option => option.MayBeEmpty);

    public override int? FixedLength => Options.Select(option => option.FixedLength).Distinct().ToArray() is [var length] ? length : null;
}

/// <summary>How a repetition chooses its count.</summary>
internal enum RepeatMode
{
    /// <summary>As many as it can, fewer if the rest needs it.</summary>
    Greedy,

    /// <summary>As few as it can, more if the rest needs it.</summary>
    Lazy,

    /// <summary>As many as it can, never fewer.</summary>
    Possessive,
}

/// <summary>A part several times; <see cref="int.MaxValue"/> is without limit.</summary>
internal sealed record RepeatNode(PatternNode Body, int Min, int Max, RepeatMode Mode) : PatternNode
{
    public override bool MayBeEmpty => Min == 0 || Body.MayBeEmpty;

    public override int? FixedLength => Min == Max ? Body.FixedLength * Min : null;
}

/// <summary>A part that is matched once and never tried again in another way.</summary>
internal sealed record AtomicNode(PatternNode Body) : PatternNode
{
    public override bool MayBeEmpty => Body.MayBeEmpty;

    public override int? FixedLength => Body.FixedLength;
}

/// <summary>A condition on what follows or, <paramref name="Behind"/>, on what comes before.</summary>
internal sealed record LookNode(PatternNode Body, bool Behind, bool Negative) : PatternNode
{
    public override bool MayBeEmpty => true;

    public override int? FixedLength => 0;
}

/// <summary>A condition on the place.</summary>
internal enum Anchor
{
    /// <summary><c>^</c></summary>
    LineStart,

    /// <summary><c>$</c></summary>
    LineEnd,

    /// <summary><c>\A</c></summary>
    TextStart,

    /// <summary><c>\z</c></summary>
    TextEnd,

    /// <summary><c>\Z</c>: also before a line feed that ends the text.</summary>
    LastLineEnd,

    /// <summary><c>\b</c></summary>
    WordBoundary,

    /// <summary><c>\B</c></summary>
    NoWordBoundary,
}

/// <summary>An anchor.</summary>
internal sealed record AnchorNode(Anchor Kind) : PatternNode
{
    public override bool MayBeEmpty => true;

    public override int? FixedLength => 0;
}
