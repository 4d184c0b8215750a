using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>A way to draft that is to be judged.</summary>
/// <param name="Plan">The blocks that the drafter would run.</param>
/// <param name="Weights">The weights that it would run them on.</param>
internal readonly record struct PlanCandidate(LayerPlan Plan, WeightSet Weights = WeightSet.Verifier);
