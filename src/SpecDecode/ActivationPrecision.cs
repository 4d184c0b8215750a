#pragma warning disable CA1720 // The names of number formats are what these are.

namespace SpecDecode;

/// <summary>What the rows that are multiplied by quantised matrices are rounded to.</summary>
public enum ActivationPrecision
{
    /// <summary>8-bit integers with a scale for each block of a row, where the processor has kernels for that; the fast way.</summary>
    Int8,

    /// <summary>Not rounded: only the weights lose precision. Several times slower.</summary>
    Fp32,
}
