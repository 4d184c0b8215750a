#pragma warning disable CA1720 // The names of number formats are what these are.

namespace SpecDecode;

/// <summary>What a model's matrices are stored as. Norms and biases are float32 always, and so is what stages compute in between.</summary>
public enum Precision
{
    /// <summary>32-bit floats: four bytes for each weight, computed as they are.</summary>
    Fp32,

    /// <summary>8 bits for each weight and a float32 scale for each block of weights: 1.125 bytes with blocks of 32.</summary>
    Int8,

    /// <summary>4 bits for each weight, a float32 scale and a 4-bit zero point for each block: 0.64 bytes with blocks of 32.</summary>
    Int4,
}
