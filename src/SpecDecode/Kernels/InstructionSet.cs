using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Kernels;

/// <summary>What the kernels may use of a processor.</summary>
internal enum InstructionSet
{
    /// <summary>Registers of 128 bits and plain arithmetic: everywhere, and slow.</summary>
    Portable,

    /// <summary>Arm64 with the dot product of bytes.</summary>
    Arm64DotProduct,

    /// <summary>AVX2 with fused multiplication and addition.</summary>
    Avx2,

    /// <summary>AVX2 with AVX-VNNI.</summary>
    Avx2Vnni,

    /// <summary>AVX-512 for floats; bytes as on AVX2.</summary>
    Avx512,

    /// <summary>AVX-512 for floats; bytes with AVX-VNNI.</summary>
    Avx512AvxVnni,

    /// <summary>AVX-512 for floats; bytes with its own VNNI, by machine code.</summary>
    Avx512Vnni,
}

/// <summary>Facts about instruction sets.</summary>
internal static class InstructionSets
{
    /// <summary>The best of this processor, as far as .NET may use it.</summary>
    public static InstructionSet Current { get; } = (Vector512.IsHardwareAccelerated, Avx2.IsSupported && Fma.IsSupported, AvxVnni.IsSupported) switch
    {
        (true, true, _) when VnniTiles.IsSupported => InstructionSet.Avx512Vnni,
        (true, true, true) => InstructionSet.Avx512AvxVnni,
        (true, true, false) => InstructionSet.Avx512,
        (false, true, true) => InstructionSet.Avx2Vnni,
        (false, true, false) => InstructionSet.Avx2,
        _ => AdvSimd.Arm64.IsSupported && Dp.IsSupported ? InstructionSet.Arm64DotProduct : InstructionSet.Portable,
    };

    /// <summary>Whether kernels were written for this processor in particular.</summary>
    public static bool IsKnown => Current != InstructionSet.Portable;

    /// <summary>Whether floats have registers of AVX-512.</summary>
    public static bool IsAvx512(this InstructionSet set) => set is InstructionSet.Avx512 or InstructionSet.Avx512AvxVnni or InstructionSet.Avx512Vnni;

    /// <summary>As people write it.</summary>
    public static string Name(this InstructionSet set) => set switch
    {
        InstructionSet.Arm64DotProduct => "Arm64 with dot product",
        InstructionSet.Avx2 => "AVX2",
        InstructionSet.Avx2Vnni => "AVX2 with AVX-VNNI",
        InstructionSet.Avx512 => "AVX-512",
        InstructionSet.Avx512AvxVnni => "AVX-512 with AVX-VNNI",
        InstructionSet.Avx512Vnni => "AVX-512 with VNNI",
        _ => "portable",
    };
}
