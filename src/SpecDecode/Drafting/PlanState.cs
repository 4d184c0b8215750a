namespace SpecDecode.Drafting;

/// <summary>What a <see cref="PlanRecord"/> has learnt about a plan.</summary>
internal sealed record PlanState
{
    /// <summary>The blocks that the drafter runs, as <see cref="Plans.LayerPlan.ToString"/> writes them, and the cascade below them.</summary>
    public string Blocks { get; init; } = "";

    /// <summary>Whether it runs them on the copy of the weights.</summary>
    public bool UsesDraftWeights { get; init; }

    /// <summary>How often its drafts are accepted, by rule.</summary>
    public CalibrationState[] Calibrations { get; init; } = [];

    /// <summary>What its passes take; null where none was measured.</summary>
    public CostState? Draft { get; init; }

    /// <summary>What passes take that run rows of proposed tokens too, by <see cref="BatchSize"/> of their drafts; null where none was measured.</summary>
    public CostState?[] Wide { get; init; } = [];

    /// <summary>What verification takes, by <see cref="BatchSize"/>; null where none was measured.</summary>
    public CostState?[] Verify { get; init; } = [];

    /// <summary>Decayed number of rounds whose outcome was compared with what was expected.</summary>
    public double Rounds { get; init; }

    /// <summary>Decayed sum of what they brought over what was expected.</summary>
    public double Ratios { get; init; }

    /// <summary>Steps between one look at it and the next.</summary>
    public int ProbeAfter { get; init; }

    /// <summary>Steps until the next.</summary>
    public int StepsToProbe { get; init; }

    /// <summary>Looks so far.</summary>
    public int Looks { get; init; }

    /// <summary>Whether it could have come about.</summary>
    public bool IsSound() => Blocks is not null && LearntLists.AreSound(Calibrations) && LearntLists.AreSound(Verify) && LearntLists.AreSound(Wide)
        && (Draft is null || CostCurve.TryRestore(Draft, CostCurve.MostRows, out _))
        && Rounds is >= 0 and <= PlanRecord.OutcomeMemory && Ratios >= 0 && Ratios <= Rounds * PlanRecord.MostOutcome + 1e-9
        && ProbeAfter is >= 1 and <= ProbeSchedule.LastProbe && StepsToProbe is >= -ProbeSchedule.LastProbe and <= ProbeSchedule.LastProbe && Looks >= 0;
}
