using System.Numerics;
using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>One product while it runs: what the tasks on all threads read. A task is a stretch of the outputs, for all rows.</summary>
internal unsafe struct ProductJob
{
    private const int LineFloats = Prefetch.LineBytes / sizeof(float);

    /// <summary>The kernels.</summary>
    public TileKernel Kernel;

    /// <summary>The same for more rows, where weights are floats.</summary>
    public PanelStretches Stretches;

    /// <summary>The first panel.</summary>
    public byte* Weights;

    /// <summary>Bytes from a panel to the next.</summary>
    public nint PanelBytes;

    /// <summary>Panels of the result; where there is a gate, its own, behind which as many follow of what it is multiplied with.</summary>
    public nint Panels;

    /// <summary>Panels of a task.</summary>
    public nint TaskPanels;

    /// <summary>Width of the result.</summary>
    public nint Outputs;

    /// <summary>The rows.</summary>
    public TileRows Rows;

    /// <summary>How many rows.</summary>
    public int RowCount;

    /// <summary>Rows that a task's panels pass by before the next ones, at most: as many as stay in the second cache, or have sums on the stack.</summary>
    public int BlockRows;

    /// <summary>Added to each row's sums, <c>[Panels · 32]</c>, twice as many where there is a gate; null for nothing.</summary>
    public float* Bias;

    /// <summary>Added to each row's result, <c>[rows, Outputs]</c>; null for nothing.</summary>
    public float* Residual;

    /// <summary>Takes the result, <c>[rows, Outputs]</c>.</summary>
    public float* Output;

    /// <summary>Whether the result is activation(gate) · up.</summary>
    public bool IsGated;

    /// <summary>Whether there is a non-linearity.</summary>
    public bool IsActivated;

    /// <summary>The non-linearity.</summary>
    public Activation Activation;

    /// <summary>How many tasks.</summary>
    public readonly nint Tasks => (Panels + TaskPanels - 1) / TaskPanels;

    /// <summary>Runs a task.</summary>
    /// <param name="job">The job.</param>
    /// <param name="task">Which.</param>
    public static void Run(void* job, nint task) => ((ProductJob*)job)->Run(task);

    private readonly void Run(nint task)
    {
        nint last = Math.Min((task + 1) * TaskPanels, Panels);
        // Blocks of nearly equal size, as whole tiles allow.
        int blocks = (RowCount + BlockRows - 1) / BlockRows;
        int tileRows = Kernel.TakesBytes ? (int)Rows.RowsOfTile : Kernel.MaxRows;
        int blockRows = ((RowCount + blocks - 1) / blocks + tileRows - 1) / tileRows * tileRows;
        for (int firstRow = 0; firstRow < RowCount; firstRow += blockRows)
        {
            int rows = Math.Min(blockRows, RowCount - firstRow);
            if (Kernel.StepBytes > 0 && rows > Kernel.WholeRows)
            {
                MultiplyStretches(task * TaskPanels, last, firstRow, rows);
            }
            else
            {
                MultiplyTiles(task * TaskPanels, last, firstRow, rows);
            }
        }
    }

    // Tile by tile over whole panels.
    [SkipLocalsInit]
    private readonly void MultiplyTiles(nint panel, nint last, int firstRow, int rows)
    {
        float* memory = stackalloc float[2 * TileKernel.MostRows * PanelLayout.Outputs + LineFloats];
        float* sums = Aligned(memory);
        float* upSums = sums + TileKernel.MostRows * PanelLayout.Outputs;
        for (; panel < last; panel++)
        {
            byte* weights = Weights + panel * PanelBytes;
            byte* up = weights + Panels * PanelBytes;
            nint ahead = Kernel.Ahead;
            for (int done = 0; done < rows;)
            {
                int count = Kernel.TakesBytes ? Math.Min((int)Rows.RowsOfTile, rows - done) : Kernel.TileRows(rows - done);
                TileRows tile = Rows.From(firstRow + done);
                Clear(sums, count);
                Kernel.Run(count, weights, &tile, sums, weights + ahead, Kernel.StepBytes);
                if (IsGated)
                {
                    Clear(upSums, count);
                    Kernel.Run(count, up, &tile, upSums, up + ahead, Kernel.StepBytes);
                }

                Finish(sums, upSums, panel * PanelLayout.Outputs, firstRow + done, count);
                done += count;
                ahead = 0;
            }
        }
    }

    // All rows over a panel at once.
    [SkipLocalsInit]
    private readonly void MultiplyStretches(nint panel, nint last, int firstRow, int rows)
    {
        const int SumCount = PanelStretches.MostRows * PanelLayout.Outputs;
        float* memory = stackalloc float[2 * SumCount + Stretches.WidenedFloats + LineFloats];
        float* sums = Aligned(memory);
        float* upSums = sums + SumCount;
        float* widened = upSums + SumCount;
        TileRows block = Rows.From(firstRow);
        for (; panel < last; panel++)
        {
            byte* weights = Weights + panel * PanelBytes;
            byte* up = weights + Panels * PanelBytes;
            byte* next = weights + PanelBytes;
            Stretches.Multiply(weights, IsGated ? up : next, block, rows, sums, widened, Output + firstRow * Outputs + panel * PanelLayout.Outputs, Outputs);
            if (IsGated)
            {
                Stretches.Multiply(up, next, block, rows, upSums, widened, result: null, width: 0);
            }

            Finish(sums, upSums, panel * PanelLayout.Outputs, firstRow, rows);
        }
    }

    // The next line of the cache.
    private static float* Aligned(float* memory) => (float*)(((nuint)memory + Prefetch.LineBytes - 1) & ~((nuint)Prefetch.LineBytes - 1));

    private static void Clear(float* sums, int rows) => Unsafe.InitBlockUnaligned(sums, 0, (uint)(rows * PanelLayout.Outputs * sizeof(float)));

    // From sums to the result.
    private readonly void Finish(float* sums, float* upSums, nint firstOutput, nint firstRow, int rows)
    {
        nint outputs = Math.Min(Outputs - firstOutput, PanelLayout.Outputs);
        float* padded = stackalloc float[2 * PanelLayout.Outputs];
        for (nint row = 0; row < rows; row++, sums += PanelLayout.Outputs, upSums += PanelLayout.Outputs)
        {
            float* to = Output + (firstRow + row) * Outputs + firstOutput;
            float* residual = Residual is null ? null : Residual + (firstRow + row) * Outputs + firstOutput;
            if (outputs == PanelLayout.Outputs)
            {
                Finish(sums, upSums, firstOutput, residual, to);
                continue;
            }

            if (residual is not null)
            {
                Unsafe.CopyBlockUnaligned(padded, residual, (uint)(outputs * sizeof(float)));
                residual = padded;
            }

            Finish(sums, upSums, firstOutput, residual, padded + PanelLayout.Outputs);
            Unsafe.CopyBlockUnaligned(to, padded + PanelLayout.Outputs, (uint)(outputs * sizeof(float)));
        }
    }

    private readonly void Finish(float* sums, float* upSums, nint firstOutput, float* residual, float* to)
    {
        for (nint i = 0; i < PanelLayout.Outputs; i += Vector<float>.Count)
        {
            Vector<float> x = Vector.Load(sums + i);
            if (Bias is not null)
            {
                x += Vector.Load(Bias + firstOutput + i);
            }

            if (IsActivated)
            {
                x = RowActivation.Apply(x, Activation);
            }

            if (IsGated)
            {
                Vector<float> up = Vector.Load(upSums + i);
                x *= Bias is null ? up : up + Vector.Load(Bias + Panels * PanelLayout.Outputs + firstOutput + i);
            }

            if (residual is not null)
            {
                x += Vector.Load(residual + i);
            }

            Vector.Store(x, to + i);
        }
    }
}
