namespace SpecDecode.Calibration;

/// <summary>What a plan is worth.</summary>
/// <param name="Agreement">Share of draft tokens that were the full model's, of those that drafts came to; 0 to 1.</param>
/// <param name="Speedup">Expected tokens per second over those of plain decoding, at the best draft length.</param>
internal readonly record struct PlanScore(double Agreement, double Speedup);
