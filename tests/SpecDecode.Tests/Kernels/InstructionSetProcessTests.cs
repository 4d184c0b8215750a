using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SpecDecode.Kernels;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Tests.Kernels;

/// <summary>The kernels in processes in which .NET may use less of this processor, or compiles otherwise.</summary>
public sealed class InstructionSetProcessTests
{
    private const string NoAvx512 = "DOTNET_EnableAVX512";
    private const string NoVnni = "DOTNET_EnableAVXVNNI";
    private const string NoMachineCode = VnniTiles.Variable;
    private const string NoAvx2 = "DOTNET_EnableAVX2";

    [Theory]
    [InlineData]
    [InlineData(NoMachineCode)]
    [InlineData(NoMachineCode, NoVnni)]
    [InlineData(NoVnni)]
    [InlineData(NoAvx512)]
    [InlineData(NoAvx512, NoVnni)]
    [InlineData(NoAvx2)]
    public async Task With_less_of_the_processor_kernels_keep_the_same_promises_where_memory_ends_with_each_buffer(params string[] off)
    {
        Assert.SkipUnless(off.All(IsThere), "This processor has none of it.");
        string expected = Expected(off).Name();
        (string set, _) = await KernelChild.Run([(KernelChild.GuardVariable, "1"), .. off.Select(name => (name, "0"))]);
        Assert.Equal(expected, set);
    }

    [Theory]
    [InlineData("DOTNET_TieredCompilation", "0")]
    [InlineData("DOTNET_TC_CallCountThreshold", "FFFF")]
    public async Task However_NET_compiles_them_results_are_the_same_bit_for_bit(string name, string value)
    {
        // Compiled at once as well as may be, and as quickly as may be for as long as the process lives.
        (string set, string hash) = await KernelChild.Run((name, value));
        Assert.Equal(InstructionSets.Current.Name(), set);
        Assert.Equal(KernelChecks.Run(), hash);
    }

    private static bool IsThere(string name) => name switch
    {
        NoMachineCode => VnniTiles.IsSupported,
        NoVnni => AvxVnni.IsSupported,
        NoAvx512 => Vector512.IsHardwareAccelerated,
        _ => Avx2.IsSupported,
    };

    private static InstructionSet Expected(string[] off)
    {
        bool isAvx2 = Avx2.IsSupported && Fma.IsSupported && !off.Contains(NoAvx2);
        bool isAvx512 = Vector512.IsHardwareAccelerated && !off.Contains(NoAvx512);
        bool isVnni = AvxVnni.IsSupported && !off.Contains(NoVnni);
        bool isMachineCode = VnniTiles.IsSupported && !off.Contains(NoMachineCode);
        return (isAvx2, isAvx512, isVnni) switch
        {
            (true, true, _) when isMachineCode => InstructionSet.Avx512Vnni,
            (false, _, _) => InstructionSets.Current == InstructionSet.Arm64DotProduct ? InstructionSet.Arm64DotProduct : InstructionSet.Portable,
            (true, true, true) => InstructionSet.Avx512AvxVnni,
            (true, true, false) => InstructionSet.Avx512,
            (true, false, true) => InstructionSet.Avx2Vnni,
            (true, false, false) => InstructionSet.Avx2,
        };
    }
}
