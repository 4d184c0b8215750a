namespace SpecDecode.Calibration;

/// <summary>What a calibration is doing.</summary>
public enum CalibrationPhase
{
    /// <summary>The full model writes texts.</summary>
    Writing,

    /// <summary>Passes are timed.</summary>
    Timing,

    /// <summary>A method searches.</summary>
    Searching,

    /// <summary>What was found is judged on texts that were held out.</summary>
    Judging,

    /// <summary>Texts are written with the best plans, and plainly, in turn.</summary>
    Measuring,
}

/// <summary>How far a calibration is.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Method">The method that searches; null in other phases.</param>
/// <param name="Done">Texts that are written, plans that the method has tried, or repetitions that are measured; while passes are timed 0, and 1 when they are.</param>
/// <param name="Elapsed">Time that it took so far, also before it was cancelled and begun again.</param>
/// <param name="BestSpeedup">The best expected speed-up that the method has found; null where there is none yet.</param>
public readonly record struct CalibrationProgress(CalibrationPhase Phase, string? Method, int Done, TimeSpan Elapsed, double? BestSpeedup);
