using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;
using static SpecDecode.Kernels.MachineCode.VectorInstruction;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>
/// The work of <see cref="BlockTile{TSums,TBits}"/> as instructions of AVX-512 VNNI over 512 bits, which .NET 10 has no intrinsics for: a whole panel of 32
/// outputs at a time, in half as many multiplications as with AVX-VNNI. Integer sums are exact and floats are rounded as there, so results are the same bits.
/// The code calls nothing, needs no stack and changes only registers that belong to no caller, on Linux as on Windows.
/// </summary>
internal static class BlockTileCode
{
    /// <summary>Rows of the largest tile: 9 · 2 sums leave four of the registers that may be changed.</summary>
    public const int MaxRows = 9;

    // Of 32 vector registers the upper 16 and the first 6 belong to no caller.
    private const int WeightsA = 2, WeightsB = 3, Row = 4, Mask = 5;
    private const int CellInputs = 4;
    private const int HalfCell = PanelLayout.CellBytes / 2;
    private const int ChunkInputs = 32;
    private const int LowerHalves = 0x0F0F0F0F;

    private const X64Register Arguments = X64Register.Rax;
    private const X64Register Cells = X64Register.Rdx;
    private const X64Register Chunk = X64Register.Rcx;
    private const X64Register Bytes = X64Register.R8;
    private const X64Register Ahead = X64Register.R9;
    private const X64Register Blocks = X64Register.R10;
    private const X64Register Sums = X64Register.R11;

    /// <summary>Writes a function that takes the address of <see cref="BlockTileArguments"/> and gives nothing back.</summary>
    /// <param name="code">Takes it.</param>
    /// <param name="bits">Bits of a weight, 8 or 4.</param>
    /// <param name="blockSize">Inputs of a block, one of <see cref="TensorFormat.BlockSizes"/>.</param>
    /// <param name="rows">Rows, 1 to <see cref="MaxRows"/>.</param>
    /// <param name="argument">The register in which the system hands over the argument.</param>
    public static void Write(X64Writer code, int bits, int blockSize, int rows, X64Register argument)
    {
        code.Move(Arguments, argument);
        code.Load(Cells, Arguments, BlockTileArguments.PanelAt);
        code.Load(Ahead, Arguments, BlockTileArguments.AheadAt);
        code.Load(Bytes, Arguments, BlockTileArguments.BytesAt);
        code.Load(Blocks, Arguments, BlockTileArguments.BlocksAt);
        code.Load(Sums, Arguments, BlockTileArguments.SumsAt);
        if (bits == 4)
        {
            code.Move(Chunk, LowerHalves);
            code.Vector(BroadcastGeneral, Mask, 0, (int)Chunk);
        }

        int block = code.Length;
        int headBytes = PanelLayout.ScaleBytes + (bits == 4 ? PanelLayout.ZeroPointBytes : 0);
        code.Prefetch(Cells, Ahead, 0);
        Begin(code, bits, rows);

        // The cells of 32 inputs are written out; larger blocks go over them in a loop.
        int cellBytes = blockSize * bits / 8 * PanelLayout.Outputs;
        int chunks = Math.Max(blockSize / ChunkInputs, 1);
        int chunkBytes = cellBytes / chunks;
        int chunkCells = chunkBytes / PanelLayout.CellBytes;
        if (chunks > 1)
        {
            code.Move(Chunk, chunks);
        }

        int chunk = code.Length;
        for (int cell = 0; cell < chunkCells; cell++)
        {
            MultiplyCell(code, bits, blockSize, rows, headBytes + cell * PanelLayout.CellBytes, cell * CellInputs);
        }

        code.Add(Cells, chunkBytes);
        code.Add(Bytes, chunkCells * CellInputs);
        if (chunks > 1)
        {
            code.Add(Chunk, -1);
            code.JumpIfNotZero(chunk);
        }

        AddBlock(code, rows, -cellBytes);
        code.Add(Cells, headBytes);
        code.Add(Bytes, -chunks * chunkCells * CellInputs);
        code.Add(Bytes, Arguments, BlockTileArguments.ByteStepAt);
        code.Add(Blocks, Arguments, BlockTileArguments.BlockStepAt);
        code.Compare(Cells, Arguments, BlockTileArguments.EndAt);
        code.JumpIfBelow(block);
        code.Return();
    }

    // Sums of the panel's first and second half.
    private static int SumA(int row) => row < 8 ? 16 + 2 * row : 0;

    private static int SumB(int row) => SumA(row) + 1;

    // What sums begin with, so that zero points need not be subtracted from weights.
    private static void Begin(X64Writer code, int bits, int rows)
    {
        if (bits == 4)
        {
            code.Vector(WidenBytes, WeightsA, 0, Cells, PanelLayout.ScaleBytes);
            code.Vector(WidenBytes, WeightsB, 0, Cells, PanelLayout.ScaleBytes + PanelLayout.ZeroPointBytes / 2);
        }

        for (int row = 0; row < rows; row++)
        {
            int start = row * Unsafe.SizeOf<RowBlock>() + sizeof(float);
            if (bits == 8)
            {
                code.Vector(Broadcast, SumA(row), 0, Blocks, start);
                code.Vector(Load, SumB(row), 0, SumA(row));
                continue;
            }

            // A start has 16 bits at most, 127 · 256; a zero point has nothing in its upper half, so that a start's sign there does not count.
            code.Vector(Broadcast, Row, 0, Blocks, start);
            code.Vector(Xor, SumA(row), SumA(row), SumA(row));
            code.Vector(Xor, SumB(row), SumB(row), SumB(row));
            code.Vector(DotWords, SumA(row), WeightsA, Row);
            code.Vector(DotWords, SumB(row), WeightsB, Row);
        }
    }

    private static void MultiplyCell(X64Writer code, int bits, int blockSize, int rows, int at, int input)
    {
        code.Prefetch(Cells, Ahead, at);
        code.Prefetch(Cells, Ahead, at + HalfCell);
        if (bits == 8)
        {
            code.Vector(Load, WeightsA, 0, Cells, at);
            code.Vector(Load, WeightsB, 0, Cells, at + HalfCell);
            MultiplyRows(code, blockSize, rows, input);
            return;
        }

        code.Vector(And, WeightsA, Mask, Cells, at);
        code.Vector(And, WeightsB, Mask, Cells, at + HalfCell);
        MultiplyRows(code, blockSize, rows, input);
        code.Shift(ShiftRight, WeightsA, Cells, at, 4);
        code.Shift(ShiftRight, WeightsB, Cells, at + HalfCell, 4);
        code.Vector(And, WeightsA, Mask, WeightsA);
        code.Vector(And, WeightsB, Mask, WeightsB);
        MultiplyRows(code, blockSize, rows, blockSize / 2 + input);
    }

    private static void MultiplyRows(X64Writer code, int blockSize, int rows, int input)
    {
        for (int row = 0; row < rows; row++)
        {
            code.Vector(Broadcast, Row, 0, Bytes, row * blockSize + input);
            code.Vector(DotBytes, SumA(row), WeightsA, Row);
            code.Vector(DotBytes, SumB(row), WeightsB, Row);
        }
    }

    // To the floats of the blocks before: sums · (the weights' scales · the row's), rounded as everywhere.
    private static void AddBlock(X64Writer code, int rows, int scales)
    {
        code.Vector(WidenWords, WeightsA, 0, Cells, scales);
        code.Vector(WidenWords, WeightsB, 0, Cells, scales + PanelLayout.ScaleBytes / 2);
        code.Shift(ShiftLeft, WeightsA, WeightsA, 16);
        code.Shift(ShiftLeft, WeightsB, WeightsB, 16);
        for (int row = 0; row < rows; row++)
        {
            int scale = row * Unsafe.SizeOf<RowBlock>();
            int to = row * PanelLayout.Outputs * sizeof(float);
            AddHalf(code, SumA(row), WeightsA, scale, to);
            AddHalf(code, SumB(row), WeightsB, scale, to + PanelLayout.Outputs / 2 * sizeof(float));
        }
    }

    private static void AddHalf(X64Writer code, int sum, int scales, int scale, int to)
    {
        code.Vector(Multiply, Row, scales, Blocks, scale, isBroadcast: true);
        code.Vector(ToFloats, sum, 0, sum);
        code.Vector(MultiplyAdd, sum, Row, Sums, to);
        code.Vector(Store, sum, 0, Sums, to);
    }
}
