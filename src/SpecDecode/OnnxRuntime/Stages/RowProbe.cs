using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Whether a row comes out of a stage the same, bit for bit, alone and among others, without which drafted text may part from
/// plain text. Many kernels have a path of their own for a single row, and some of these add up in another order: with 4-bit
/// blocks of 32 on AVX2, a row alone differs in its last bits from the same row beside another, while from two rows on all
/// agree. So the stages themselves are asked, on the processor that they will run on.
/// </summary>
internal static class RowProbe
{
    private const int Seed = 1;

    // Kernels of matrices hand rows out in blocks of a multiple of this, so that a row behind one may be alone again.
    private const int LeastBlock = 16;

    /// <summary>Probes the blocks of a model; those of its first layer stand for all.</summary>
    public static RowRule Blocks(DecoderDescription model, StageSessions sessions, IBufferAllocator allocator)
    {
        LayerDescription layer = model.Layers[0];
        AttendDescription attend = layer.Attention.Attend;
        (string, int) residual = (StageNames.Residual, model.HiddenSize);
        return Probe(sessions.AttentionIn[0], allocator, attend.PackedWidth, residual)
            .And(Probe(sessions.AttentionOut[0], allocator, model.HiddenSize, residual, (StageNames.Attended, attend.OutputWidth)))
            .And(Probe(
                sessions.Mlp[0], allocator, model.HiddenSize, layer.IsParallel ? [residual, (StageNames.LayerInput, model.HiddenSize)] : [residual]));
    }

    /// <summary>Probes the head of a model.</summary>
    public static RowRule Head(DecoderDescription model, StageSessions sessions, IBufferAllocator allocator) =>
        Probe(sessions.Head, allocator, model.VocabularySize, (StageNames.Residual, model.HiddenSize));

    private static RowRule Probe(StageSession stage, IBufferAllocator allocator, int outputWidth, params ReadOnlySpan<(string Name, int Width)> inputs)
    {
        using StageBuffer alone = Run(stage, allocator, outputWidth, rows: 1, inputs);
        using StageBuffer two = Run(stage, allocator, outputWidth, rows: 2, inputs);
        using StageBuffer three = Run(stage, allocator, outputWidth, rows: 3, inputs);
        using StageBuffer five = Run(stage, allocator, outputWidth, rows: 5, inputs);
        ReadOnlySpan<int> first = two.Span<int>(0, outputWidth);
        return new RowRule(
            AreAll(first, alone) ? RowRule.None : LeastBlock, IsAlike: AreAll(first, two) && AreAll(first, three) && AreAll(first, five));
    }

    // The same row as often as asked. Kernels take rows in twos or fours, so that the counts above leave one over and none.
    private static StageBuffer Run(
        StageSession stage, IBufferAllocator allocator, int outputWidth, int rows, ReadOnlySpan<(string Name, int Width)> inputs)
    {
        Random random = new(Seed);
        StageBuffer output = allocator.Reserve((long)rows * outputWidth * sizeof(float), "comparing rows");
        List<IDisposable> used = [];
        try
        {
            OrtIoBinding binding = stage.NewBinding();
            used.Add(binding);
            foreach ((string name, int width) in inputs)
            {
                StageBuffer input = allocator.Reserve((long)rows * width * sizeof(float), "comparing rows");
                used.Add(input);
                Span<float> row = input.Span<float>(0, width);
                for (int i = 0; i < width; i++)
                {
                    row[i] = random.NextSingle() * 2 - 1;
                }

                for (int i = 1; i < rows; i++)
                {
                    row.CopyTo(input.Span<float>((long)i * width, width));
                }

                using OrtValue value = input.View(ElementType.Float32, 0, rows, width);
                binding.BindInput(name, value);
            }

            using OrtValue result = output.View(ElementType.Float32, 0, rows, outputWidth);
            binding.BindOutput(StageNames.Output, result);
            stage.Run(binding);
            return output;
        }
        catch
        {
            output.Dispose();
            throw;
        }
        finally
        {
            used.ForEach(each => each.Dispose());
        }
    }

    // Bits rather than numbers.
    private static bool AreAll(ReadOnlySpan<int> row, StageBuffer rows)
    {
        bool same = true;
        for (long first = 0; first < rows.Bytes / sizeof(int); first += row.Length)
        {
            same &= rows.Span<int>(first, row.Length).SequenceEqual(row);
        }

        return same;
    }
}
