namespace SpecDecode.Calibration;

/// <summary>What a method has found.</summary>
public sealed record MethodReport
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The paper that it comes from.</summary>
    public required string Paper { get; init; }

    /// <summary>Plans that it has tried.</summary>
    public required int Tried { get; init; }

    /// <summary>Time that it searched.</summary>
    public required TimeSpan SearchTime { get; init; }

    /// <summary>Whether its search came to its own end; else the budget or a cancellation ended it.</summary>
    public required bool IsExhausted { get; init; }

    /// <summary>The best of its plans by held-out text; null where none was judged.</summary>
    public required CalibratedPlan? Best { get; init; }
}
