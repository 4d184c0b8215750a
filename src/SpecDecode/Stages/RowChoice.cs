namespace SpecDecode.Stages;

/// <summary>The greedy choice in a row of logits.</summary>
/// <param name="Token">The token of the highest logit, the lowest id on a tie; means nothing where <paramref name="Probability"/> is NaN.</param>
/// <param name="Probability">Its probability by softmax; NaN where a logit of the row is not finite, so that the row has to be looked at.</param>
internal readonly record struct RowChoice(int Token, float Probability);
