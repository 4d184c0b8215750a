using System.Diagnostics;

namespace SpecDecode.Calibration;

/// <summary>Time that a calibration has taken and may take. What is known of it is kept with the state, so it goes on over runs.</summary>
/// <param name="state">Where it is kept.</param>
/// <param name="total">All of it.</param>
internal sealed class CalibrationBudget(CalibrationState state, TimeSpan total)
{
    // Shares of the whole at whose end a phase ends.
    private const double WritingEnd = 0.15;
    private const double TimingEnd = 0.2;
    private const double SearchEnd = 0.68;
    private const double JudgingEnd = 0.76;

    private readonly double _before = state.Seconds;
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Time that it took so far.</summary>
    public TimeSpan Elapsed => TimeSpan.FromSeconds(_before) + Stopwatch.GetElapsedTime(_start);

    /// <summary>When a phase ends; what is left of one goes to the next.</summary>
    public TimeSpan End(CalibrationPhase phase) => total * phase switch
    {
        CalibrationPhase.Writing => WritingEnd,
        CalibrationPhase.Timing => TimingEnd,
        CalibrationPhase.Searching => SearchEnd,
        CalibrationPhase.Judging => JudgingEnd,
        _ => 1,
    };

    /// <summary>Time that is left of a phase.</summary>
    public TimeSpan Left(CalibrationPhase phase) => End(phase) > Elapsed ? End(phase) - Elapsed : TimeSpan.Zero;
}
