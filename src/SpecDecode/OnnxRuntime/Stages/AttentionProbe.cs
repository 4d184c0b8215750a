using System.Runtime.InteropServices;
using SpecDecode.Caching;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Whether a row comes out of attention on a device the same, bit for bit, alone and with others of its sequence, as a drafted text needs to be the plain one: kernels have a path of their own for a
/// single row. So the stages are asked, with rows behind a short text and behind one of some hundred positions.
/// </summary>
internal static class AttentionProbe
{
    private const int Seed = 1;
    private const int MostRows = 5;

    private static readonly int[] Pasts = [7, 300];

    /// <summary>Probes the attention of a model; that of its first layer stands for all.</summary>
    /// <param name="stages">Attention of the model.</param>
    /// <param name="model">The model.</param>
    /// <param name="device">The device.</param>
    /// <param name="process">The process's memory.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    public static bool AreAlike(IAttentionStages stages, DecoderDescription model, DeviceRows device, IBufferAllocator process, int maxSequenceLength)
    {
        AttendDescription attend = model.Layers[0].Attention.Attend;
        bool areAlike = true;
        foreach (int past in Pasts)
        {
            int length = Math.Min(past + MostRows, maxSequenceLength);
            using RowBuffer packed = new(device.Buffers, device, process, model.ElementType, length, attend.PackedWidth, "comparing rows");
            using RowBuffer attended = new(device.Buffers, device, process, model.ElementType, length, attend.OutputWidth, "comparing rows");
            using RowBuffer one = new(device.Buffers, device, process, model.ElementType, 1, attend.PackedWidth, "comparing rows");
            using KvCache cache = new(stages.Pages, maxSequenceLength);
            cache.Hold(length);
            Random random = new(Seed);
            foreach (ref float number in packed.Floats(length))
            {
                number = random.NextSingle() * 2 - 1;
            }

            packed.Write(length);
            int first = Math.Max(0, length - MostRows);
            byte[] together = Run(stages, cache, packed, attended, 0, length).AsSpan(first * attend.OutputWidth * sizeof(float)).ToArray();
            byte[] behind = RunBehind(length - first);
            areAlike &= together.AsSpan().SequenceEqual(behind);
            for (int row = first; row < length; row++)
            {
                packed.CopyTo(row, 1, one, 0);
                areAlike &= together.AsSpan((row - first) * attend.OutputWidth * sizeof(float), attend.OutputWidth * sizeof(float))
                    .SequenceEqual(Run(stages, cache, one, attended, row, 1));
            }

            byte[] RunBehind(int rows)
            {
                using RowBuffer last = new(device.Buffers, device, process, model.ElementType, rows, attend.PackedWidth, "comparing rows");
                packed.CopyTo(first, rows, last, 0);
                return Run(stages, cache, last, attended, first, rows);
            }
        }

        return areAlike;
    }

    // Writes the rows' keys and values at their positions, behind those that are there.
    private static byte[] Run(IAttentionStages stages, KvCache cache, RowBuffer packed, RowBuffer attended, int position, int rows)
    {
        RowBatch batch = new(rows);
        batch.AddRows(cache, position, rows);
        stages.SetRows(batch);
        stages.Run(0, packed, attended, rows);
        return MemoryMarshal.AsBytes(attended.Read(rows)).ToArray();
    }
}
