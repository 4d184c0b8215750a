namespace SpecDecode;

/// <summary>What loading a model is doing.</summary>
public enum LoadPhase
{
    /// <summary>Comparing the checkpoint, and its prepared weights where there are any, with what they should be.</summary>
    CheckingWeights,

    /// <summary>Converting the checkpoint into the prepared-weights file; happens once per checkpoint and setting.</summary>
    PreparingWeights,

    /// <summary>Another process is preparing the same weights; this one waits for it.</summary>
    WaitingForAnotherProcess,

    /// <summary>Creating the stages' sessions from the prepared weights.</summary>
    CreatingStages,
}

/// <summary>How far loading a model has come.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Fraction">Share of that phase that is done, 0 to 1.</param>
public readonly record struct LoadProgress(LoadPhase Phase, double Fraction);
