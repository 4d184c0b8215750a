using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using SpecDecode.Kernels;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Tests.Kernels;

/// <summary>The instruction sets for which there are kernels, as far as this process may use them.</summary>
internal static class ProcessorSets
{
    public static InstructionSet[] All { get; } = [.. Enum.GetValues<InstructionSet>().Where(IsThere)];

    /// <summary>Their names, which data of tests can be.</summary>
    public static string[] Names { get; } = [.. All.Select(set => set.ToString())];

    private static bool IsThere(InstructionSet set)
    {
        bool isAvx2 = Avx2.IsSupported && Fma.IsSupported;
        return set switch
        {
            InstructionSet.Arm64DotProduct => AdvSimd.Arm64.IsSupported && Dp.IsSupported,
            InstructionSet.Avx2 => isAvx2,
            InstructionSet.Avx2Vnni => isAvx2 && AvxVnni.IsSupported,
            InstructionSet.Avx512 => isAvx2 && Vector512.IsHardwareAccelerated,
            InstructionSet.Avx512AvxVnni => isAvx2 && Vector512.IsHardwareAccelerated && AvxVnni.IsSupported,
            InstructionSet.Avx512Vnni => VnniTiles.IsSupported,
            _ => true,
        };
    }
}
