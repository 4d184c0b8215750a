using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Finds out how many query rows the attention kernel takes at once, behind which a row must not be left over alone, and whether
/// rows are the same otherwise, bit for bit, whatever the number of rows in a call. The block depends on the size of a head and on
/// the processor's cache; heads of more than 128 channels also round by the length of the sequence in the call, which nothing here
/// can mend. So the kernel is asked, with few heads, on the processor that it will run on.
/// </summary>
internal sealed class AttentionProbe : IDisposable
{
    private const int Seed = 1;

    // The kernel's blocks are known to have twice the channels of a head at most: so far every number of rows is asked about.
    private const int RowsAChannel = 2;

    // Longer calls cost the square of their length, so of them only those are asked about in which a row may be alone behind blocks
    // of a size that kernels of matrices have.
    private const int LikelyBlock = 16;

    // As wide as rows must be to be told apart; the longest calls are those of heads that have so many channels.
    private const int LeastChannels = 128;

    // Those of the largest heads that are published. What asking costs grows with the fourth power of it, and config.json says it.
    private const int MostChannels = 256;

    private readonly StageSession _stage;
    private readonly AttendDescription _attend;
    private readonly int _rows;
    private readonly List<StageBuffer> _buffers = [];
    private readonly StageBuffer _packed;
    private readonly StageBuffer _attended;
    private readonly StageBuffer _keys;
    private readonly StageBuffer _values;
    private readonly StageBuffer _lengths;

    private AttentionProbe(AttendDescription attend, StageSession stage, IBufferAllocator allocator)
    {
        _stage = stage;
        _attend = attend;
        _rows = RowsAChannel * Math.Max(attend.HeadSize, LeastChannels) + 2;
        try
        {
            _packed = Reserve(attend.PackedWidth);
            _attended = Reserve(attend.OutputWidth);
            _keys = Reserve(attend.HeadSize);
            _values = Reserve(attend.HeadSize);
            _lengths = Reserve(1);
        }
        catch
        {
            Dispose();
            throw;
        }

        StageBuffer Reserve(int width)
        {
            StageBuffer buffer = allocator.Reserve((long)_rows * width * sizeof(float), "comparing rows of attention");
            _buffers.Add(buffer);
            return buffer;
        }
    }

    /// <summary>What is probed in place of a model's attention: the same kernel with as few heads as tell rows apart.</summary>
    public static AttendDescription Narrow(AttendDescription attend) =>
        attend with { QueryHeads = Math.Max(1, LeastChannels / attend.HeadSize), KeyValueHeads = 1, Rotary = null };

    /// <summary>Probes attention.</summary>
    /// <param name="attend">What <see cref="Narrow"/> gave.</param>
    /// <param name="stage">A session of it.</param>
    /// <param name="allocator">Where buffers come from.</param>
    /// <returns>The rule; of heads larger than any published ones, which are not asked about, that their rows are not alike.</returns>
    public static RowRule Run(AttendDescription attend, StageSession stage, IBufferAllocator allocator)
    {
        if (attend.HeadSize > MostChannels)
        {
            return new RowRule(RowRule.Unbounded, IsAlike: false);
        }

        using AttentionProbe probe = new(attend, stage, allocator);
        return probe.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    private RowRule Run()
    {
        Random random = new(Seed);
        foreach (ref float number in _packed.Span<float>(0, _rows * _attend.PackedWidth))
        {
            number = random.NextSingle() * 2 - 1;
        }

        for (int row = 0; row < _rows; row += 2)
        {
            Attend(row, 2);
        }

        int[] expected = Bits(_rows).ToArray();
        int block = RowRule.Unbounded;
        int every = RowsAChannel * _attend.HeadSize + 2;
        for (int rows = 3; rows <= _rows; rows++)
        {
            if (rows > every && rows % LikelyBlock != 1 && rows % block != 1 && rows != _rows)
            {
                continue;
            }

            Attend(0, rows);
            int same = Bits(rows).CommonPrefixLength(expected) / _attend.OutputWidth;
            if (same == rows - 1 && block == RowRule.Unbounded)
            {
                block = rows - 1;
            }

            if (same < rows && !(same == rows - 1 && rows % block == 1))
            {
                return new RowRule(block, IsAlike: false);
            }
        }

        return new RowRule(block, IsAlike: true);
    }

    private Span<int> Bits(int rows) => _attended.Span<int>(0, rows * _attend.OutputWidth);

    private void Attend(int first, int rows)
    {
        Span<int> lengths = _lengths.Span<int>(0, 2);
        lengths[0] = first + rows - 1;
        lengths[1] = first + rows;
        using OrtIoBinding binding = _stage.NewBinding();
        using OrtValue packed = _packed.View(ElementType.Float32, (long)first * _attend.PackedWidth, 1, rows, _attend.PackedWidth);
        using OrtValue attended = _attended.View(ElementType.Float32, (long)first * _attend.OutputWidth, 1, rows, _attend.OutputWidth);
        using OrtValue keys = _keys.View(ElementType.Float32, 0, 1, 1, _rows, _attend.HeadSize);
        using OrtValue values = _values.View(ElementType.Float32, 0, 1, 1, _rows, _attend.HeadSize);
        using OrtValue last = _lengths.View(ElementType.Int32, 0, 1);
        using OrtValue total = _lengths.View(ElementType.Int32, 1, 1);
        binding.BindInput(StageNames.QueryKeyValue, packed);
        binding.BindInput(KvNames.Single.PastKeys, keys);
        binding.BindInput(KvNames.Single.PastValues, values);
        binding.BindInput(StageNames.LastPosition, last);
        binding.BindInput(StageNames.TotalLength, total);
        binding.BindOutput(StageNames.Output, attended);
        binding.BindOutput(KvNames.Single.PresentKeys, keys);
        binding.BindOutput(KvNames.Single.PresentValues, values);
        _stage.Run(binding);
    }
}
