namespace SpecDecode.Descriptions;

/// <summary>One matrix product y = x Wᵀ + b, possibly of several checkpoint matrices packed one under the other.</summary>
/// <param name="Weight">Prepared tensor <c>[Outputs, Inputs]</c>, rows in the order in which the stage splits them.</param>
/// <param name="Bias">Prepared tensor <c>[Outputs]</c>, or null.</param>
/// <param name="Inputs">Width of x.</param>
/// <param name="Outputs">Width of y.</param>
internal sealed record LinearDescription(string Weight, string? Bias, int Inputs, int Outputs);
