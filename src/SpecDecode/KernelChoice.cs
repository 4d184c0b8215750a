namespace SpecDecode;

/// <summary>Whose code multiplies rows by matrices on the CPU, which is most of what a model does.</summary>
public enum KernelChoice
{
    /// <summary>
    /// This library's: weights stay in the file of prepared weights, mapped into memory, in the precision in which they are stored; a row's result
    /// does not depend on other rows.
    /// </summary>
    Own,

    /// <summary>
    /// ONNX Runtime's (Gemm and MatMulNBits): weights are packed into memory of the process, 16-bit ones as float32. For comparison, and for
    /// processors that this library has no kernels for.
    /// </summary>
    OnnxRuntime,
}
