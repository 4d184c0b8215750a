using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>
/// The code of <see cref="BlockTileCode"/> in this process: written when a format is first used, once for all models.
/// <c>SPECDECODE_MACHINE_CODE=0</c> in the environment leaves it out.
/// </summary>
internal static unsafe class VnniTiles
{
    /// <summary>The environment variable that leaves it out where it is 0 or false.</summary>
    public const string Variable = "SPECDECODE_MACHINE_CODE";

    private const int SmallestBlock = 16;
    private const int BlockSizes = 5;
    private const int FunctionAlignment = 64;

    private static readonly ImmutableArray<Lazy<ImmutableArray<nint>>> Tiles = [.. Enumerable.Range(0, 2 * BlockSizes).Select(i => new Lazy<ImmutableArray<nint>>(() => Create(i < BlockSizes ? 8 : 4, SmallestBlock << i % BlockSizes)))];

    /// <summary>Whether this processor has the instructions, .NET may use registers of 512 bits, and the system lets a process write code.</summary>
    public static bool IsSupported { get; } =
        ExecutableMemory.IsKnown && Vector512.IsHardwareAccelerated && Avx512BW.IsSupported && HasVnni()
        && Environment.GetEnvironmentVariable(Variable) is not ("0" or "false" or "False") && !Of(Precision.Int8, 32).IsEmpty;

    /// <summary>Functions for 1 to <see cref="BlockTileCode.MaxRows"/> rows; none where the system refused.</summary>
    /// <param name="precision">Int8 or int4.</param>
    /// <param name="blockSize">Inputs of a block.</param>
    public static ImmutableArray<nint> Of(Precision precision, int blockSize) =>
        Tiles[(precision == Precision.Int8 ? 0 : BlockSizes) + BitOperations.Log2((uint)(blockSize / SmallestBlock))].Value;

    /// <summary>The code of all numbers of rows, one function behind the other, and where each begins.</summary>
    /// <param name="bits">Bits of a weight.</param>
    /// <param name="blockSize">Inputs of a block.</param>
    /// <param name="argument">The register in which the system hands over the argument.</param>
    internal static (X64Writer Code, int[] Starts) Write(int bits, int blockSize, X64Register argument)
    {
        X64Writer code = new();
        int[] starts = new int[BlockTileCode.MaxRows];
        for (int rows = 1; rows <= starts.Length; rows++)
        {
            code.Align(FunctionAlignment);
            starts[rows - 1] = code.Length;
            BlockTileCode.Write(code, bits, blockSize, rows, argument);
        }

        return (code, starts);
    }

    private static ImmutableArray<nint> Create(int bits, int blockSize)
    {
        (X64Writer code, int[] starts) = Write(bits, blockSize, OperatingSystem.IsWindows() ? X64Register.Rcx : X64Register.Rdi);
        byte* memory = ExecutableMemory.Write(code.Code);
        return memory is null ? [] : [.. starts.Select(start => (nint)(memory + start))];
    }

    // Leaf 7, bit 11 of ecx: AVX512_VNNI (Intel's manual, volume 2, CPUID).
    private static bool HasVnni() => X86Base.X64.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && (X86Base.CpuId(7, 0).Ecx >> 11 & 1) != 0;
}
