namespace SpecDecode.Drafting;

/// <summary>What an <see cref="AcceptanceCalibration"/> has learnt: decayed sums, by bin of confidence in ascending order.</summary>
internal sealed record CalibrationState
{
    /// <summary>Number of evaluated tokens.</summary>
    public double[] Evaluated { get; init; } = [];

    /// <summary>Number of those that were accepted.</summary>
    public double[] Accepted { get; init; } = [];

    /// <summary>Sum of the chances that were predicted for them.</summary>
    public double[] Predicted { get; init; } = [];

    /// <summary>Number of tokens that were drafted next, by the bin of the token before.</summary>
    public double[] NextCounts { get; init; } = [];

    /// <summary>Sum of their chances.</summary>
    public double[] NextChances { get; init; } = [];

    /// <summary>Number of first tokens of drafts.</summary>
    public double FirstCount { get; init; }

    /// <summary>Sum of their chances.</summary>
    public double FirstChances { get; init; }

    /// <summary>Number of tokens that were drafted first behind proposed ones.</summary>
    public double BehindCount { get; init; }

    /// <summary>Sum of their chances.</summary>
    public double BehindChances { get; init; }
}
