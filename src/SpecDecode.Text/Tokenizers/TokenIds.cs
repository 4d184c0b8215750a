namespace SpecDecode.Tokenizers;

/// <summary>Ids on the way out of a tokenizer, and how many of them are of use.</summary>
/// <param name="limit">More ids than these are as good as any number: whoever adds them may stop.</param>
internal sealed class TokenIds(int limit = int.MaxValue) : List<int>
{
    /// <summary>Whether there are more than the limit.</summary>
    public bool AreTooMany { get; private set; }

    /// <summary>Whether there are more than the limit by now; stays so.</summary>
    public bool Check() => AreTooMany |= Count > limit;

    /// <summary>Notes that a text is to follow which becomes more ids than the limit leaves room for.</summary>
    /// <param name="length">The text's length.</param>
    /// <param name="unitsPerToken">The most of it that one token can stand for; null where that has no bound.</param>
    public bool CheckLength(int length, long? unitsPerToken) =>
        AreTooMany |= unitsPerToken is { } units && length > units * Math.Max(0L, (long)limit - Count);
}
