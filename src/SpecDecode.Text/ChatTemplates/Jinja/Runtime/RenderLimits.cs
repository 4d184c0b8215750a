namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>What a template may use up before it is stopped. Real templates stay below a hundredth of it.</summary>
internal sealed record RenderLimits
{
    public static RenderLimits Default { get; } = new();

    /// <summary>Evaluated expressions, executed statements and visited elements; scanning 32 characters counts as one.</summary>
    public long Steps { get; init; } = 5_000_000;

    /// <summary>Bytes of all texts and lists made, whether they are still in use or not.</summary>
    public long AllocatedBytes { get; init; } = 192L << 20;

    /// <summary>UTF-16 units of the output, and of any other text.</summary>
    public int OutputLength { get; init; } = 16 << 20;

    /// <summary>Macros, callers and recursive loops inside each other.</summary>
    public int CallDepth { get; init; } = 128;

    /// <summary>Lists and dictionaries inside each other, where they are printed, compared or hashed.</summary>
    public const int ValueDepth = 200;

    /// <summary>Iterators that draw from each other (a filter over a filter over a filter).</summary>
    public const int IteratorDepth = 100;

    /// <summary>The most elements of a <c>range</c>: Jinja2's own bound.</summary>
    public const int RangeLength = 100_000;

    /// <summary>Bits of a whole number.</summary>
    public const int IntegerBits = 4096;

    /// <summary>Width in a format.</summary>
    public const int FormatWidth = 100_000;

    /// <summary>Digits behind the point, or significant ones, in a format; no number has more.</summary>
    public const int FormatPrecision = 1100;
}
