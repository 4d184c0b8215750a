using System.Collections.Immutable;
using System.Globalization;
using Iced.Intel;
using SpecDecode.Descriptions;
using SpecDecode.Kernels.MachineCode;

namespace SpecDecode.Tests.Kernels;

/// <summary>
/// The instructions that this library writes, read back by a disassembler that knows nothing of how they were written. What they compute is tested where all kernels are,
/// by <see cref="InstructionSetTests"/> and the classes beside it.
/// </summary>
public sealed class MachineCodeTests
{
    // What a function may change on Linux and on Windows alike: on Windows the lower 128 bits of zmm6 to zmm15 belong to the caller.
    private static readonly HashSet<Register> Free =
    [
        Register.RAX, Register.RCX, Register.RDX, Register.R8, Register.R9, Register.R10, Register.R11,
        .. Enumerable.Range(0, 6).Concat(Enumerable.Range(16, 16)).Select(i => Register.ZMM0 + i),
    ];

    private static readonly HashSet<CpuidFeature> Features =
        [CpuidFeature.X64, CpuidFeature.INTEL386, CpuidFeature.INTEL8086, CpuidFeature.SSE, CpuidFeature.AVX, CpuidFeature.AVX512F, CpuidFeature.AVX512_VNNI];

    private static readonly Dictionary<X64Register, Function[]> Written = new() { [X64Register.Rdi] = Read(X64Register.Rdi), [X64Register.Rcx] = Read(X64Register.Rcx) };

    public static MatrixTheoryData<int, int> Formats => new([8, 4], TensorFormat.BlockSizes);

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_instruction_is_one_and_changes_only_what_belongs_to_no_caller(int bits, int blockSize)
    {
        InstructionInfoFactory infos = new();
        foreach (Instruction instruction in Functions(bits, blockSize).SelectMany(function => function.Instructions))
        {
            Assert.All(instruction.CpuidFeatures, feature => Assert.Contains(feature, Features));
            InstructionInfo info = infos.GetInfo(instruction);
            Assert.All(info.GetUsedRegisters(), used => Assert.True(!Writes(used.Access) || Free.Contains(Whole(used.Register)) || IsEnd(instruction), $"{instruction} writes {used.Register}"));
            Assert.All(info.GetUsedMemory(), used => Assert.True(used.Base != Register.RSP || IsEnd(instruction), $"{instruction} uses the stack"));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_operand_lies_within_the_block_the_rows_or_the_sums(int bits, int blockSize)
    {
        InstructionInfoFactory infos = new();
        foreach (Function function in Functions(bits, blockSize))
        {
            // Where the loop over a block's parts has left the pointers, behind the last one. Behind a block both go on to the next.
            int headBytes = bits == 4 ? 96 : 64;
            int cellBytes = blockSize * bits / 8 * 32;
            int parts = Math.Max(blockSize / 32, 1);
            bool isBehind = false;
            foreach (Instruction instruction in function.Instructions.Where(instruction => instruction.MemoryBase != Register.None && instruction.Mnemonic != Mnemonic.Prefetcht0))
            {
                long at = (long)instruction.MemoryDisplacement64;
                long end = at + instruction.MemorySize.GetSize();
                isBehind |= instruction.Mnemonic == Mnemonic.Vpmovzxwd;
                (long first, long last) = instruction.MemoryBase switch
                {
                    Register.RAX => (0, sizeof(long) * 8),
                    Register.R8 => (0, function.Rows * blockSize - (parts - 1) * (bits == 8 ? 32 : 16)),
                    Register.R10 => (0, function.Rows * 8),
                    Register.R11 => (0, function.Rows * 32 * sizeof(float)),
                    Register.RDX when isBehind => (-cellBytes, -cellBytes + 64),
                    Register.RDX => (bits == 4 && instruction.Mnemonic == Mnemonic.Vpmovzxbd ? 64 : headBytes, instruction.Mnemonic == Mnemonic.Vpmovzxbd ? headBytes : headBytes + cellBytes / parts),
                    _ => (0, 0),
                };
                Assert.True(at >= first && end <= last, $"{instruction} with {function.Rows} rows goes from {at} to {end}, not {first} to {last}");
                Assert.Equal(instruction.MemoryBase == Register.R11 && instruction.Mnemonic == Mnemonic.Vmovups, infos.GetInfo(instruction).GetUsedMemory().Any(used => Writes(used.Access)));
            }

            Assert.True(isBehind);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_function_ends_in_one_place_and_jumps_to_instructions_of_its_own(int bits, int blockSize)
    {
        foreach (Function function in Functions(bits, blockSize))
        {
            Instruction[] instructions = function.Instructions;
            Assert.Equal(Mnemonic.Vzeroupper, instructions[^2].Mnemonic);
            Assert.Equal(instructions.Length - 1, Array.FindIndex(instructions, instruction => instruction.Mnemonic == Mnemonic.Ret));
            Instruction[] jumps = [.. instructions.Where(instruction => instruction.FlowControl is not (FlowControl.Next or FlowControl.Return))];
            Assert.All(jumps, jump => Assert.Equal(FlowControl.ConditionalBranch, jump.FlowControl));
            Assert.All(jumps, jump => Assert.Contains(instructions, instruction => instruction.IP == jump.NearBranchTarget && instruction.IP < jump.IP));

            // One over the blocks; where a block is larger than what is written out, one over its parts.
            Assert.Equal(blockSize > 32 ? 2 : 1, jumps.Length);
        }
    }

    [Theory]
    [InlineData(8, 16)]
    [InlineData(8, 32)]
    [InlineData(4, 16)]
    [InlineData(4, 32)]
    public void A_row_is_multiplied_by_all_weights_of_a_block_with_registers_of_512_bits(int bits, int blockSize)
    {
        foreach (Function function in Functions(bits, blockSize))
        {
            Assert.Equal(function.Rows * blockSize / 4 * 2, function.Instructions.Count(instruction => instruction.Code == Code.EVEX_Vpdpbusd_zmm_k1z_zmm_zmmm512b32));
            Assert.Equal(function.Rows * 2, function.Instructions.Count(instruction => instruction.Code == Code.EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er));
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
    public void Each_format_and_number_of_rows_has_a_function_of_its_own()
    {
        Assert.SkipUnless(VnniTiles.IsSupported, "No code is written here.");
        nint[] all = [.. ((Precision[])[Precision.Int8, Precision.Int4]).SelectMany(precision => TensorFormat.BlockSizes.SelectMany(size => VnniTiles.Of(precision, size).ToArray()))];
        Assert.Equal(2 * TensorFormat.BlockSizes.Length * BlockTileCode.MaxRows, all.Distinct().Count());
        Assert.Equal(all.Order(), all);
        Assert.All((int[])[0, 8, 48, 512, -32], size => Assert.Throws<ArgumentOutOfRangeException>(() => VnniTiles.Of(Precision.Int8, size).Length));
    }

    [Fact]
    public unsafe void Where_a_system_refuses_there_are_no_functions() => Assert.Empty(VnniTiles.Create(_ => null));

    [Theory]
    [InlineData(null, true)]
    [InlineData("", true)]
    [InlineData("1", true)]
    [InlineData("0", false)]
    [InlineData("false", false)]
    [InlineData("FALSE", false)]
    public void The_environment_may_leave_it_out(string? value, bool expected) => Assert.Equal(expected, VnniTiles.IsWanted(value));

    // Of both systems.
    private static IEnumerable<Function> Functions(int bits, int blockSize) => Written.Values.SelectMany(functions => functions).Where(function => function.Bits == bits && function.BlockSize == blockSize);

    private static Function[] Read(X64Register argument)
    {
        (X64Writer code, ImmutableArray<int> starts) = VnniTiles.Write(argument);
        byte[] bytes = code.Code.ToArray();
        (int Bits, int BlockSize, int Rows)[] kinds =
            [.. from bits in (int[])[8, 4] from blockSize in TensorFormat.BlockSizes from rows in Enumerable.Range(1, BlockTileCode.MaxRows) select (bits, blockSize, rows)];
        return [.. kinds.Select((kind, i) => new Function(kind.Bits, kind.BlockSize, kind.Rows, Read(bytes, starts[i], i + 1 < starts.Length ? starts[i + 1] : bytes.Length)))];
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

    private sealed record Function(int Bits, int BlockSize, int Rows, Instruction[] Instructions);
}
