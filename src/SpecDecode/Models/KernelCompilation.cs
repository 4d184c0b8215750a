using System.Runtime.InteropServices;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Kernels.Attention;
using SpecDecode.Sampling;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>
/// Has the kernels compiled that the first passes of a model run, while the rest of it is loaded. Each is compiled for the processor when it is first
/// called, and the first text would wait for that. So they are called beside it with small products and attention of the model's kinds, over zeros in memory of
/// their own: nothing that the model computes can depend on it.
/// </summary>
internal static unsafe class KernelCompilation
{
    // Whole blocks of any size, and whole registers of any width.
    private const int Inputs = 256;
    private const int Rows = 2 * TileKernel.MostRows;
    private const int Alignment = 64;

    // One row for a text that is written; prompts of whole tiles; those that rows are compared with (RowProbe), where they are; prompts of two tiles, nearly equal ones; single tiles.
    private static ReadOnlySpan<int> ProductRows => [1, Rows, 2, 3, 5, 21, 19, 17, 15, 13, 12, 8, 6, 11, 10, 9, 7, 4];

    // One row; whole tiles; those that prompts of other lengths leave.
    private static ReadOnlySpan<int> AttendedRows => [1, PageLayout.Positions, 3, 7];

    /// <summary>Begins, on another thread, where there is a processor for it. What fails here fails where it is needed, too, and is told there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">How its weights are stored.</param>
    /// <param name="draftHead">What the head of drafts is rounded to; null for nothing.</param>
    /// <param name="activations">What rows are rounded to where weights are quantised.</param>
    /// <param name="attends">Whether attention runs with kernels of this library.</param>
    /// <param name="keyValues">What keys and values are stored as.</param>
    public static Task Start(DecoderDescription model, WeightSettings settings, Precision? draftHead, ActivationPrecision activations, bool attends, KvPrecision keyValues) =>
        Environment.ProcessorCount == 1 ? Task.CompletedTask : Task.Run(() => Run(model, settings, draftHead, activations, attends, keyValues));

    private static void Run(DecoderDescription model, WeightSettings settings, Precision? draftHead, ActivationPrecision activations, bool attends, KvPrecision keyValues)
    {
        using KernelScratch scratch = new();
        try
        {
            if (settings.Layout == TensorLayout.Panels)
            {
                Multiply(model.Layers[0].Mlp, settings.Precision, settings.BlockSize, activations, scratch);
                if (settings.Head != settings.Precision)
                {
                    Multiply(model.Layers[0].Mlp, settings.Head, settings.BlockSize, activations, scratch);
                }
            }

            if (attends)
            {
                Attend(model.Layers[0].Attention.Attend, keyValues, scratch);
            }

            // The choice of a token, which goes by registers too.
            RowScan.IndexOfHighest(new float[RowScan.BlockTokens]);
            if (draftHead is { } rounded && rounded != settings.Precision && rounded != settings.Head)
            {
                Multiply(model.Layers[0].Mlp, rounded, settings.BlockSize, activations, scratch);
            }
        }
        catch (Exception error) when (error is OutOfMemoryException or SpecDecodeException)
        {
        }
    }

    // A product with all that the MLP's have: rows that are normed, or rounded, and a result that is gated and activated.
    private static void Multiply(MlpDescription mlp, Precision precision, int blockSize, ActivationPrecision activations, KernelScratch scratch)
    {
        if (precision == Precision.Stored)
        {
            // Of several types, which tensors alone know.
            return;
        }

        TensorFormat format = new(precision, precision.IsQuantized() ? blockSize : 0, TensorLayout.Panels);
        int outputs = mlp.IsGated ? 2 * PanelLayout.Outputs : PanelLayout.Outputs;
        nint weights = (nint)format.PanelsBytes(outputs, Inputs);
        nuint bytes = checked((nuint)(weights + (2 * Inputs + Rows * (Inputs + outputs)) * sizeof(float)));
        byte* memory = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
        try
        {
            NativeMemory.Clear(memory, bytes);
            float* norm = (float*)(memory + weights);
            float* rows = norm + 2 * Inputs;
            ProductParts parts = new()
            {
                IsActivated = RowActivation.Has(mlp.Activation),
                Activation = mlp.Activation,
                IsGated = mlp.IsGated,
                IsNormed = true,
                Norm = new RowNorm { Kind = mlp.InputNorm?.Kind ?? NormKind.Rms, Epsilon = 1, Weight = norm, Bias = norm + Inputs },
            };
            Product product = new(memory, format, Inputs, outputs, parts, activations, InstructionSets.Current, scratch);
            foreach (int count in ProductRows)
            {
                product.Run(rows, count, residual: null, rows + Rows * Inputs, ParallelRun.Serial);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    // Positions of a page, from its beginning.
    private static void Attend(AttendDescription attend, KvPrecision keyValues, KernelScratch scratch)
    {
        AttentionShape shape = AttentionShape.Of(attend);
        PageLayout layout = new(keyValues, attend.KeyValueHeads, attend.HeadSize);
        PagedAttention attention = new(shape, layout, InstructionSets.Current, scratch);
        long floats = PageLayout.Positions * (shape.PackedWidth + shape.OutputWidth + attend.HeadSize);
        nuint bytes = checked((nuint)(layout.Bytes + floats * sizeof(float)));
        byte* memory = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
        try
        {
            NativeMemory.Clear(memory, bytes);
            float* packed = (float*)(memory + layout.Bytes);
            float* turns = packed + PageLayout.Positions * (shape.PackedWidth + shape.OutputWidth);
            int* firstRows = stackalloc int[2];
            int zero = 0;
            foreach (int count in AttendedRows)
            {
                firstRows[0] = 0;
                firstRows[1] = count;
                AttentionRows rows = new()
                {
                    Packed = packed, Output = packed + PageLayout.Positions * shape.PackedWidth, Rows = count, Sequences = 1, FirstRows = firstRows,
                    Past = &zero, Pages = &zero, PageStride = 1, Slabs = &memory, PageBytes = (nint)layout.Bytes,
                    Cosines = attend.Rotary is null ? null : turns, Sines = attend.Rotary is null ? null : turns, RotaryStarts = &zero,
                };
                attention.Run(rows, ParallelRun.Serial);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }
}
