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
        return Probe(sessions.AttentionIn[0], model.ElementType, allocator, attend.PackedWidth, residual)
            .And(Probe(sessions.AttentionOut[0], model.ElementType, allocator, model.HiddenSize, residual, (StageNames.Attended, attend.OutputWidth)))
            .And(Probe(
                sessions.Mlp[0], model.ElementType, allocator, model.HiddenSize, layer.IsParallel ? [residual, (StageNames.LayerInput, model.HiddenSize)] : [residual]));
    }

    /// <summary>Probes the head of a model.</summary>
    public static RowRule Head(DecoderDescription model, StageSessions sessions, IBufferAllocator allocator) =>
        Probe(sessions.Head, model.ElementType, allocator, model.VocabularySize, (StageNames.Residual, model.HiddenSize));

    private static RowRule Probe(
        StageSession stage, ElementType type, IBufferAllocator allocator, int outputWidth, params ReadOnlySpan<(string Name, int Width)> inputs)
    {
        using RowBuffer alone = Run(stage, type, allocator, outputWidth, rows: 1, inputs);
        using RowBuffer two = Run(stage, type, allocator, outputWidth, rows: 2, inputs);
        using RowBuffer three = Run(stage, type, allocator, outputWidth, rows: 3, inputs);
        using RowBuffer five = Run(stage, type, allocator, outputWidth, rows: 5, inputs);
        ReadOnlySpan<byte> first = two.Bytes(0, 1);
        return new RowRule(
            AreAll(first, alone, 1) ? RowRule.None : LeastBlock, IsAlike: AreAll(first, two, 2) && AreAll(first, three, 3) && AreAll(first, five, 5));
    }

    // The same row as often as asked. Kernels take rows in twos or fours, so that the counts above leave one over and none.
    private static RowBuffer Run(
        StageSession stage, ElementType type, IBufferAllocator allocator, int outputWidth, int rows, ReadOnlySpan<(string Name, int Width)> inputs)
    {
        Random random = new(Seed);
        RowBuffer output = new(allocator, type, rows, outputWidth, "comparing rows");
        List<IDisposable> used = [];
        try
        {
            OrtIoBinding binding = stage.NewBinding();
            used.Add(binding);
            foreach ((string name, int width) in inputs)
            {
                RowBuffer input = new(allocator, type, rows, width, "comparing rows");
                used.Add(input);
                foreach (ref float number in input.Floats(1))
                {
                    number = random.NextSingle() * 2 - 1;
                }

                input.Write(1);
                input.Repeat(1, rows);
                using OrtValue value = input.View(rows);
                binding.BindInput(name, value);
            }

            using OrtValue result = output.View(rows);
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
    private static bool AreAll(ReadOnlySpan<byte> row, RowBuffer rows, int count)
    {
        bool same = true;
        for (int i = 0; i < count; i++)
        {
            same &= rows.Bytes(i, 1).SequenceEqual(row);
        }

        return same;
    }
}
