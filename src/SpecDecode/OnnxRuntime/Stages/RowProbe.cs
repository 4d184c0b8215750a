using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Models.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;

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

    // Kernels take rows in twos or fours; these leave remainders of one and none.
    private static readonly int[] Counts = [2, 3, 5];

    /// <summary>Probes the blocks of a model; those of its first layer stand for all.</summary>
    public static RowRule Blocks(DecoderDescription model, StageSessions sessions)
    {
        LayerDescription layer = model.Layers[0];
        AttendDescription attend = layer.Attention.Attend;
        (string, int) residual = (StageNames.Residual, model.HiddenSize);
        return Probe(sessions.AttentionIn[0], attend.PackedWidth, residual)
            .And(Probe(sessions.AttentionOut[0], model.HiddenSize, residual, (StageNames.Attended, attend.OutputWidth)))
            .And(Probe(sessions.Mlp[0], model.HiddenSize, layer.IsParallel ? [residual, (StageNames.LayerInput, model.HiddenSize)] : [residual]));
    }

    /// <summary>Probes the head of a model.</summary>
    public static RowRule Head(DecoderDescription model, StageSessions sessions) =>
        Probe(sessions.Head, model.VocabularySize, (StageNames.Residual, model.HiddenSize));

    private static RowRule Probe(StageSession stage, int outputWidth, params ReadOnlySpan<(string Name, int Width)> inputs)
    {
        float[] alone = Run(stage, outputWidth, rows: 1, inputs);
        float[]? first = null;
        bool isAlike = true;
        foreach (int rows in Counts)
        {
            float[] output = Run(stage, outputWidth, rows, inputs);
            first ??= output[..outputWidth];
            for (int row = 0; row < rows; row++)
            {
                isAlike &= SameBits(output.AsSpan(row * outputWidth, outputWidth), first);
            }
        }

        return new RowRule(SameBits(alone, first) ? 1 : 2, isAlike);
    }

    private static bool SameBits(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => MemoryMarshal.AsBytes(a).SequenceEqual(MemoryMarshal.AsBytes(b));

    // The same row as often as asked.
    private static float[] Run(StageSession stage, int outputWidth, int rows, ReadOnlySpan<(string Name, int Width)> inputs)
    {
        Random random = new(Seed);
        float[] output = new float[rows * outputWidth];
        List<OrtValue> values = [];
        try
        {
            using OrtIoBinding binding = stage.NewBinding();
            foreach ((string name, int width) in inputs)
            {
                float[] row = [.. Enumerable.Range(0, width).Select(_ => random.NextSingle() * 2 - 1)];
                values.Add(OrtValue.CreateTensorValueFromMemory([.. Enumerable.Repeat(row, rows).SelectMany(each => each)], [rows, width]));
                binding.BindInput(name, values[^1]);
            }

            values.Add(OrtValue.CreateTensorValueFromMemory(output, [rows, outputWidth]));
            binding.BindOutput(StageNames.Output, values[^1]);
            stage.Run(binding);
            return output;
        }
        finally
        {
            values.ForEach(value => value.Dispose());
        }
    }
}

/// <summary>How stages must be run so that a row does not depend on the rows beside it.</summary>
/// <param name="FewestRows">Fewest rows of a call, 1 or 2.</param>
/// <param name="IsAlike">Whether that is enough.</param>
internal readonly record struct RowRule(int FewestRows, bool IsAlike)
{
    /// <summary>A rule that suits both.</summary>
    public RowRule And(RowRule other) => new(Math.Max(FewestRows, other.FewestRows), IsAlike && other.IsAlike);
}
