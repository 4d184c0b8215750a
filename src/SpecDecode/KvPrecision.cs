#pragma warning disable CA1720 // The names of number formats are what these are.

namespace SpecDecode;

/// <summary>What the keys and values of sequences are stored as. Sums over them are float32 in any case.</summary>
public enum KvPrecision
{
    /// <summary>float32: 4 bytes a number, as the model computes them.</summary>
    Fp32,

    /// <summary>float16: 2 bytes. A key or value beyond 65,504 makes its rows no numbers, and the text fails with an error.</summary>
    Fp16,

    /// <summary>8-bit integers with a float32 scale for each head and position: a little more than 1 byte.</summary>
    Int8,
}
