using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>Calibrations by rule and cost curves by number of sequences, as snapshots and back.</summary>
internal static class LearntLists
{
    private static readonly int Rules = Enum.GetValues<AcceptanceRule>().Length;

    /// <summary>Copies of what calibrations have learnt.</summary>
    public static CalibrationState[] Snapshot(AcceptanceCalibration[] calibrations) => [.. calibrations.Select(calibration => calibration.Snapshot())];

    /// <summary>Copies of what curves have measured; null where one was never needed.</summary>
    public static CostState?[] Snapshot(CostCurve?[] curves) => [.. curves.Select(curve => curve is { IsEmpty: false } ? curve.Snapshot() : null)];

    /// <summary>Whether there is a snapshot for each rule, and each could have come about.</summary>
    public static bool AreSound(CalibrationState?[]? states) =>
        states?.Length == Rules && Array.TrueForAll(states, state => AcceptanceCalibration.TryRestore(state, out _));

    /// <summary>Whether there is a snapshot, or null, for each number of sequences, and each could have come about.</summary>
    public static bool AreSound(CostState?[]? states) => states?.Length == BatchSize.Classes
        && Array.TrueForAll(states, state => state is null || CostCurve.TryRestore(state, CostCurve.MostRows, out _));

    /// <summary>Puts what snapshots have in the place of calibrations.</summary>
    /// <param name="states">Snapshots that are sound.</param>
    /// <param name="calibrations">As many.</param>
    public static void Restore(CalibrationState[] states, AcceptanceCalibration[] calibrations)
    {
        for (int i = 0; i < calibrations.Length; i++)
        {
            calibrations[i] = AcceptanceCalibration.TryRestore(states[i], out AcceptanceCalibration? calibration) ? calibration : new();
        }
    }

    /// <summary>Puts what snapshots have, as a prior, in the place of curves.</summary>
    /// <param name="states">Snapshots that are sound.</param>
    /// <param name="curves">As many.</param>
    public static void Restore(CostState?[] states, CostCurve?[] curves)
    {
        for (int i = 0; i < curves.Length; i++)
        {
            curves[i] = Prior(states[i]);
        }
    }

    /// <summary>A curve with what a snapshot has as a prior; null where there is none.</summary>
    /// <param name="state">A snapshot that is sound; null for none.</param>
    public static CostCurve? Prior(CostState? state) =>
        state is not null && CostCurve.TryRestore(state.Prior(), CostCurve.MostRows, out CostCurve? curve) ? curve : null;
}
