#pragma warning disable CA1720 // The names of number formats are what these are.

namespace SpecDecode;

/// <summary>
/// What the stages of a model hand on to each other: the residual, queries, keys, values, attended rows and logits. Sums within a stage, norms, softmax and the
/// choice of tokens are float32 in any case; what weights are stored as is another option (<see cref="Precision"/>).
/// </summary>
public enum ComputePrecision
{
    /// <summary>float32: nothing is rounded between stages.</summary>
    Fp32,

    /// <summary>float16. A number beyond 65,504 becomes an infinity, which ends the text with an error: not for models that were trained in bfloat16 and use its range.</summary>
    Fp16,

    /// <summary>bfloat16: the range of float32 with 8 bits of precision, as most checkpoints were trained.</summary>
    Bf16,
}
