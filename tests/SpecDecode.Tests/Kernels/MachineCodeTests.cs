using System.Globalization;
using Iced.Intel;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Tests.Kernels;

/// <summary>
/// The instructions that this library writes, read back by a disassembler that knows nothing of how they were written. What they compute is tested where all kernels are,
/// by <see cref="InstructionSetTests"/> and the classes beside it.
/// </summary>
public sealed class MachineCodeTests
{
    // What a function may change on Linux and on Windows alike: zmm6 to zmm15 belong to the caller there, of their first 128 bits.
    private static readonly HashSet<Register> Free =
    [
        Register.RAX, Register.RCX, Register.RDX, Register.R8, Register.R9, Register.R10, Register.R11,
        .. Enumerable.Range(0, 6).Concat(Enumerable.Range(16, 16)).Select(i => Register.ZMM0 + i),
    ];

    private static readonly HashSet<CpuidFeature> Features =
        [CpuidFeature.X64, CpuidFeature.INTEL386, CpuidFeature.INTEL8086, CpuidFeature.SSE, CpuidFeature.AVX, CpuidFeature.AVX512F, CpuidFeature.AVX512_VNNI];

    public static TheoryData<int, int> Formats => new(from bits in (int[])[8, 4] from size in (int[])[16, 32, 64, 128, 256] select (bits, size));

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_instruction_is_one_and_changes_only_what_belongs_to_no_caller(int bits, int blockSize)
    {
        foreach (X64Register argument in (X64Register[])[X64Register.Rdi, X64Register.Rcx])
        {
            foreach (Instruction[] function in Functions(bits, blockSize, argument))
            {
                InstructionInfoFactory infos = new();
                foreach (Instruction instruction in function)
                {
                    Assert.All(instruction.CpuidFeatures, feature => Assert.Contains(feature, Features));
                    InstructionInfo info = infos.GetInfo(instruction);
                    Assert.All(info.GetUsedRegisters(), used => Assert.True(!Writes(used.Access) || Free.Contains(Whole(used.Register)) || IsEnd(instruction), $"{instruction} writes {used.Register}"));
                    Assert.All(info.GetUsedMemory(), used => Assert.True(!Writes(used.Access) || used.Base == Register.R11, $"{instruction} writes to memory at {used.Base}"));
                    Assert.All(info.GetUsedMemory(), used => Assert.True(used.Base != Register.RSP || IsEnd(instruction), $"{instruction} uses the stack"));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_function_ends_in_one_place_and_jumps_to_instructions_of_its_own(int bits, int blockSize)
    {
        foreach (Instruction[] function in Functions(bits, blockSize, X64Register.Rdi))
        {
            Assert.Equal(Mnemonic.Vzeroupper, function[^2].Mnemonic);
            Assert.Equal(function.Length - 1, Array.FindIndex(function, instruction => instruction.Mnemonic == Mnemonic.Ret));
            Instruction[] jumps = [.. function.Where(instruction => instruction.FlowControl is not (FlowControl.Next or FlowControl.Return))];
            Assert.All(jumps, jump => Assert.Equal(FlowControl.ConditionalBranch, jump.FlowControl));
            Assert.All(jumps, jump => Assert.Contains(function, instruction => instruction.IP == jump.NearBranchTarget && instruction.IP < jump.IP));

            // One over the blocks; where a block is larger than what is written out, one over its parts.
            Assert.Equal(blockSize > 32 ? 2 : 1, jumps.Length);
        }
    }

    [Fact]
    public void A_row_is_multiplied_by_all_weights_of_a_block_with_registers_of_512_bits()
    {
        foreach ((int bits, int blockSize) in ((int, int)[])[(8, 16), (8, 32), (4, 16), (4, 32)])
        {
            Instruction[][] functions = Functions(bits, blockSize, X64Register.Rdi);
            for (int rows = 1; rows <= functions.Length; rows++)
            {
                Assert.Equal(rows * blockSize / 4 * 2, functions[rows - 1].Count(instruction => instruction.Code == Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32));
                Assert.Equal(rows * 2, functions[rows - 1].Count(instruction => instruction.Code == Code.EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er));
            }
        }
    }

    [Fact]
    public void No_page_with_code_can_be_written_to()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && VnniTiles.IsSupported, "No code is written here.");
        nint function = VnniTiles.Of(Precision.Int4, 64)[3];
        string mapping = Assert.Single(File.ReadLines("/proc/self/maps"), line => Range(line) is var (start, end) && start <= function && function < end);
        Assert.Equal("r-xp", mapping.Split(' ')[1]);
    }

    [Fact]
    public void A_format_has_its_code_once_in_a_process()
    {
        Assert.SkipUnless(VnniTiles.IsSupported, "No code is written here.");
        Assert.Equal(VnniTiles.Of(Precision.Int8, 32), VnniTiles.Of(Precision.Int8, 32));
        Assert.Equal(BlockTileCode.MaxRows, VnniTiles.Of(Precision.Int8, 32).Distinct().Count());
    }

    private static Instruction[][] Functions(int bits, int blockSize, X64Register argument)
    {
        (X64Writer code, int[] starts) = VnniTiles.Write(bits, blockSize, argument);
        byte[] bytes = code.Code.ToArray();
        return [.. starts.Select((start, i) => Read(bytes, start, i + 1 < starts.Length ? starts[i + 1] : bytes.Length))];
    }

    private static Instruction[] Read(byte[] bytes, int start, int end)
    {
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(bytes, start, end - start));
        List<Instruction> function = [];
        do
        {
            function.Add(decoder.Decode());
            Assert.Equal(DecoderError.None, decoder.LastError);
        }
        while (function[^1].Mnemonic != Mnemonic.Ret);

        // Nothing but what stops whoever comes there.
        Assert.All(bytes[(start + (int)function[^1].NextIP)..end], b => Assert.Equal(0xCC, b));
        return [.. function];
    }

    private static bool Writes(OpAccess access) => access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;

    // vzeroupper, whose upper halves belong to nobody, and ret, which moves the stack.
    private static bool IsEnd(Instruction instruction) => instruction.Mnemonic is Mnemonic.Vzeroupper or Mnemonic.Ret;

    private static Register Whole(Register register) => register.IsVectorRegister() ? Register.ZMM0 + register.GetNumber() : register.GetFullRegister();

    private static (nint Start, nint End) Range(string line)
    {
        string[] ends = line.Split(' ')[0].Split('-');
        return (nint.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), nint.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
