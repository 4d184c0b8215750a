using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>A plan that a method has tried.</summary>
/// <param name="Method">The method.</param>
/// <param name="Plan">The blocks that the drafter runs.</param>
/// <param name="UsesDraftWeights">Whether it runs on a copy of the weights in lower precision.</param>
/// <param name="DraftRowCost">Time of a draft row over that of a plain one.</param>
/// <param name="Agreement">Share of draft tokens that were the full model's.</param>
/// <param name="ExpectedSpeedup">What follows from both.</param>
/// <param name="IsOnFront">Whether no plan that was tried agrees more for less: it is on the Pareto front.</param>
public readonly record struct TriedPlan(
    string Method, LayerPlan Plan, bool UsesDraftWeights, double DraftRowCost, double Agreement, double ExpectedSpeedup, bool IsOnFront);
