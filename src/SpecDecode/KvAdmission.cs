namespace SpecDecode;

/// <summary>By how much memory for keys and values a sequence is admitted.</summary>
public enum KvAdmission
{
    /// <summary>
    /// By what its prompt takes; more is taken as it grows. Where memory runs out, the sequence that came last, of those of the lowest priority, gives its own up and reads
    /// its text again later, which changes nothing of the text.
    /// </summary>
    Paged,

    /// <summary>By what all tokens take that it may come to have, so that none ever gives memory up, and fewer run at the same time.</summary>
    Reserve,
}
