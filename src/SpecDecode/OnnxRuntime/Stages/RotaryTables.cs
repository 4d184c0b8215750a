using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>The rotary tables of a model: one for each embedding that sequences of some length have in some layer.</summary>
internal sealed class RotaryTables : IDisposable
{
    private readonly Dictionary<(RotaryDescription Rotary, int HeadSize), RotaryTable> _tables = [];

    /// <summary>Reserves the tables.</summary>
    /// <param name="layers">The attention of each layer.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    /// <param name="spare">Positions behind it that attention may compute and nothing reads.</param>
    /// <param name="buffers">Where from.</param>
    public RotaryTables(IEnumerable<AttendDescription> layers, int maxSequenceLength, int spare, IBufferAllocator buffers)
    {
        try
        {
            foreach (AttendDescription attend in layers.Where(attend => attend.Rotary is not null).Distinct())
            {
                RotaryDescription rotary = attend.Rotary!;
                int positions = rotary.Long is null ? maxSequenceLength : Math.Min(maxSequenceLength, rotary.OriginalContext);
                Reserve(rotary, attend.HeadSize, checked(positions + spare), buffers);
                Reserve(rotary.For(maxSequenceLength), attend.HeadSize, checked(maxSequenceLength + spare), buffers);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The table that a sequence uses in a layer, which depends on how long it may get.</summary>
    /// <param name="attend">The attention of the layer.</param>
    /// <param name="capacity">Positions that the sequence may get to have.</param>
    /// <returns>The table; null where the layer has no rotary embedding.</returns>
    public RotaryTable? For(AttendDescription attend, int capacity) =>
        attend.Rotary is null ? null : _tables[(attend.Rotary.For(capacity), attend.HeadSize)];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (RotaryTable table in _tables.Values)
        {
            table.Dispose();
        }
    }

    private void Reserve(RotaryDescription rotary, int headSize, int positions, IBufferAllocator buffers)
    {
        if (!_tables.ContainsKey((rotary, headSize)))
        {
            _tables.Add((rotary, headSize), new RotaryTable(rotary, headSize, positions, buffers));
        }
    }
}
