#pragma warning disable CA1720 // The names of number formats are what these are.

namespace SpecDecode;

/// <summary>What a model's matrices are stored as. Norms and biases are float32 always, and so is what stages compute in between.</summary>
public enum Precision
{
    /// <summary>32-bit floats: four bytes for each weight, computed as they are.</summary>
    Fp32 = 0,

    /// <summary>8 bits for each weight and a bfloat16 scale for each block of weights: 1.06 bytes with blocks of 32.</summary>
    Int8 = 1,

    /// <summary>4 bits for each weight, a bfloat16 scale and a zero point for each block: 0.59 bytes with blocks of 32.</summary>
    Int4 = 2,

    /// <summary>
    /// bfloat16: two bytes for each weight, which become float32 while they are multiplied. Exact where the checkpoint stores bfloat16; other
    /// weights are rounded to it. With the kernels of this library only.
    /// </summary>
    Bf16 = 3,

    /// <summary>
    /// float16: two bytes for each weight, which become float32 while they are multiplied. Exact where the checkpoint stores float16; other
    /// weights are rounded to it, and such beyond ±65504 are an error. With the kernels of this library only.
    /// </summary>
    Fp16 = 4,

    /// <summary>
    /// As the checkpoint stores them: bfloat16, float16 or float32, each tensor as it is, so that nothing is rounded. With ONNX Runtime's kernels, which
    /// take float32 only, the same numbers in float32.
    /// </summary>
    Stored = 5,
}
