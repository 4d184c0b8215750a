namespace ChatServer;

/// <summary>What the page shows of a model beside its texts.</summary>
internal sealed class DraftingFigures
{
    /// <summary>The plan that the policy <c>auto</c> prefers now: <c>none</c> where it expects no draft to pay, null before it has compared any.</summary>
    public string? Plan { get; set; }

    /// <summary>Tokens per second that the policy <c>auto</c> expects, over those of plain decoding.</summary>
    public double ExpectedSpeedup { get; set; }

    /// <summary>How far its chances lie from what was accepted.</summary>
    public double CalibrationError { get; set; }

    /// <summary>Texts that are written.</summary>
    public int Live { get; set; }

    /// <summary>Requests that wait.</summary>
    public int Waiting { get; set; }

    /// <summary>Rounds with a draft since the start.</summary>
    public long DraftRounds { get; set; }

    /// <summary>Their draft tokens.</summary>
    public long DraftedTokens { get; set; }

    /// <summary>Rounds since the start, by why they had their draft or none.</summary>
    public SortedDictionary<string, long> Rounds { get; } = new(StringComparer.Ordinal);
}
