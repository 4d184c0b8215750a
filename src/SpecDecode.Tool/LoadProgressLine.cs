using System.Globalization;

namespace SpecDecode.Tool;

/// <summary>
/// Shows how far loading is, a line every ten per cent, once it has taken longer than a second. Plain lines, so that a log
/// file reads as well as a terminal.
/// </summary>
internal sealed class LoadProgressLine(TextWriter error, TimeProvider time) : IProgress<LoadProgress>
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();
    private (LoadPhase Phase, int Tenth)? _shown;

    /// <inheritdoc/>
    public void Report(LoadProgress value)
    {
        if (time.GetElapsedTime(_start) < Quiet)
        {
            return;
        }

        lock (_gate)
        {
            (LoadPhase, int) state = (value.Phase, (int)(value.Fraction * 10));
            if (state == _shown)
            {
                return;
            }

            _shown = state;
            string what = value.Phase switch
            {
                LoadPhase.CheckingWeights => "checking weights",
                LoadPhase.PreparingWeights => "preparing weights (once for this checkpoint)",
                LoadPhase.WaitingForAnotherProcess => "waiting for another process that prepares the same weights",
                _ => "creating stages",
            };
            error.WriteLine(value.Phase == LoadPhase.WaitingForAnotherProcess
                ? $"specdecode: {what}"
                : string.Create(CultureInfo.InvariantCulture, $"specdecode: {what} {value.Fraction * 100:f0} %"));
        }
    }
}
