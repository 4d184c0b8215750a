using System.Collections.Immutable;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>
/// The code of <see cref="BlockTileCode"/> in this process: written once, for all formats, so that later there is nothing to fail.
/// <c>SPECDECODE_MACHINE_CODE=0</c> in the environment leaves it out.
/// </summary>
internal static unsafe class VnniTiles
{
    /// <summary>The environment variable that leaves it out where it is 0 or false.</summary>
    public const string Variable = "SPECDECODE_MACHINE_CODE";

    private const int FunctionAlignment = 64;

    // One after the other, as Place counts them.
    private static readonly ImmutableArray<nint> Functions = CanRun() && IsWanted(Environment.GetEnvironmentVariable(Variable)) ? Create(ExecutableMemory.Write) : [];

    /// <summary>Puts code into memory; null where the system refuses.</summary>
    internal delegate byte* CodeWriter(ReadOnlySpan<byte> code);

    /// <summary>Whether there is code: the processor has the instructions, .NET may use registers of 512 bits, and the system lets a process write code.</summary>
    public static bool IsSupported => !Functions.IsEmpty;

    /// <summary>Functions for 1 to <see cref="BlockTileCode.MaxRows"/> rows, where there are any.</summary>
    /// <param name="precision">Int8 or int4.</param>
    /// <param name="blockSize">Inputs of a block, one of <see cref="TensorFormat.BlockSizes"/>.</param>
    public static ReadOnlySpan<nint> Of(Precision precision, int blockSize)
    {
        int size = TensorFormat.BlockSizes.IndexOf(blockSize);
        return size >= 0
            ? Functions.AsSpan().Slice(((precision == Precision.Int8 ? 0 : TensorFormat.BlockSizes.Length) + size) * BlockTileCode.MaxRows, BlockTileCode.MaxRows)
            : throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, "A block size that no code is written for.");
    }

    /// <summary>The code of all formats, for 1 to <see cref="BlockTileCode.MaxRows"/> rows each, and where each function begins.</summary>
    /// <param name="argument">The register in which the system hands over the argument.</param>
    internal static (X64Writer Code, ImmutableArray<int> Starts) Write(X64Register argument)
    {
        X64Writer code = new();
        ImmutableArray<int>.Builder starts = ImmutableArray.CreateBuilder<int>();
        foreach (int bits in (ReadOnlySpan<int>)[8, 4])
        {
            foreach (int blockSize in TensorFormat.BlockSizes)
            {
                for (int rows = 1; rows <= BlockTileCode.MaxRows; rows++)
                {
                    code.Align(FunctionAlignment);
                    starts.Add(code.Length);
                    BlockTileCode.Write(code, bits, blockSize, rows, argument);
                }
            }
        }

        return (code, starts.ToImmutable());
    }

    /// <summary>The functions in memory; none where the system refuses.</summary>
    /// <param name="write">Puts them there.</param>
    internal static ImmutableArray<nint> Create(CodeWriter write)
    {
        (X64Writer code, ImmutableArray<int> starts) = Write(OperatingSystem.IsWindows() ? X64Register.Rcx : X64Register.Rdi);
        byte* memory = write(code.Code);
        return memory is null ? [] : [.. starts.Select(start => (nint)(memory + start))];
    }

    /// <summary>Whether the environment leaves it in.</summary>
    /// <param name="value">What the variable says.</param>
    internal static bool IsWanted(string? value) => value is not "0" && !string.Equals(value, "false", StringComparison.OrdinalIgnoreCase);

    // Leaf 7, bit 11 of ecx: AVX512_VNNI (Intel's manual, volume 2, CPUID). Where .NET may not use registers of 512 bits, this library does not either.
    private static bool CanRun() =>
        Vector512.IsHardwareAccelerated && Avx512F.X64.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && (X86Base.CpuId(7, 0).Ecx >> 11 & 1) != 0;
}
