namespace SpecDecode;

/// <summary>What loading a model is doing.</summary>
public enum LoadPhase
{
    /// <summary>
    /// Reading the checkpoint, and its prepared weights where there are any, and comparing them with what they should be; happens where
    /// they are not known to be what they were, or <see cref="ModelOptions.VerifyWeights"/> asks for it.
    /// </summary>
    CheckingWeights,

    /// <summary>Converting the checkpoint into the prepared-weights file; happens once per checkpoint and setting.</summary>
    PreparingWeights,

    /// <summary>Another process is preparing the same weights; this one waits for it.</summary>
    WaitingForAnotherProcess,

    /// <summary>Creating the stages' sessions from the prepared weights.</summary>
    CreatingStages,
}

/// <summary>How far loading a model has come.</summary>
public readonly record struct LoadProgress
{
    /// <summary>Notes how far it is.</summary>
    /// <param name="phase">What is being done.</param>
    /// <param name="fraction">Share of that phase that is done, 0 to 1.</param>
    public LoadProgress(LoadPhase phase, double fraction)
    {
        Phase = phase;
        Fraction = fraction;
    }

    /// <summary>What is being done.</summary>
    public LoadPhase Phase { get; }

    /// <summary>Share of that phase that is done, 0 to 1.</summary>
    public double Fraction { get; }

    /// <summary>The progress in words.</summary>
    public override string ToString() => Phase switch
    {
        LoadPhase.CheckingWeights => FormattableString.Invariant($"checking weights, {100 * Fraction:f0} %"),
        LoadPhase.PreparingWeights => FormattableString.Invariant($"preparing weights, {100 * Fraction:f0} %"),
        LoadPhase.WaitingForAnotherProcess => "waiting for another process that prepares the same weights",
        _ => FormattableString.Invariant($"creating stages, {100 * Fraction:f0} %"),
    };
}
