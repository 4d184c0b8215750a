using System.Numerics;
using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>One product while it runs: what the tasks on all threads read. A task is a stretch of the outputs, for all rows.</summary>
internal unsafe struct ProductJob
{
    /// <summary>The kernels.</summary>
    public TileKernel Kernel;

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

    /// <summary>Rows that stay in the second cache while a task's panels pass by them.</summary>
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
        // On a line of the cache.
        float* memory = stackalloc float[2 * TileKernel.MostRows * PanelLayout.Outputs + 16];
        float* sums = (float*)(((nuint)memory + 63) & ~(nuint)63);
        float* upSums = sums + TileKernel.MostRows * PanelLayout.Outputs;
        nint last = Math.Min((task + 1) * TaskPanels, Panels);
        for (int firstRow = 0; firstRow < RowCount; firstRow += BlockRows)
        {
            int rows = Math.Min(BlockRows, RowCount - firstRow);
            for (nint panel = task * TaskPanels; panel < last; panel++)
            {
                byte* weights = Weights + panel * PanelBytes;
                nint ahead = Prefetch.Ahead;
                for (int done = 0; done < rows;)
                {
                    // Tiles of nearly equal size: a small one at the end would read all weights for little.
                    int tiles = (rows - done + Kernel.MaxRows - 1) / Kernel.MaxRows;
                    int count = (rows - done + tiles - 1) / tiles;
                    TileRows tile = Rows.From(firstRow + done);
                    Kernel.Run(count, weights, &tile, sums, ahead);
                    if (IsGated)
                    {
                        Kernel.Run(count, weights + Panels * PanelBytes, &tile, upSums, ahead);
                    }

                    Finish(sums, upSums, panel * PanelLayout.Outputs, firstRow + done, count);
                    done += count;
                    ahead = 0;
                }
            }
        }
    }

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
