namespace SpecDecode.Evaluation;

/// <summary>What a plan of blocks makes of a sequence.</summary>
/// <param name="LastLogits">Logits at the last position, <c>[V]</c>.</param>
/// <param name="ArgMaxPerPosition">The highest logit's token at each position; the lowest id on a tie.</param>
public sealed record LogitsResult(IReadOnlyList<float> LastLogits, IReadOnlyList<int> ArgMaxPerPosition);
