namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>What one rendering may use up before it is stopped.</summary>
internal sealed record RenderLimits
{
    /// <summary>Nothing is stopped: for what the caller hands in.</summary>
    public static RenderLimits None { get; } = new()
    {
        Steps = long.MaxValue,
        MemoryBytes = long.MaxValue,
        OutputLength = int.MaxValue,
        CallDepth = int.MaxValue,
    };

    /// <summary>Evaluated expressions, executed statements and visited elements; scanning 32 characters counts as one.</summary>
    public required long Steps { get; init; }

    /// <summary>Bytes of the texts and lists that the template made and may still use.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>UTF-16 units of the output, and of any other text.</summary>
    public required int OutputLength { get; init; }

    /// <summary>Macros, callers and recursive loops inside each other.</summary>
    public required int CallDepth { get; init; }

    /// <summary>Lists and dictionaries inside each other, where they are printed, compared or hashed.</summary>
    public const int ValueDepth = 1000;

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
