using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Stages;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Moves of rows on a device, each by one call of a stage that picks rows by their numbers, whatever they are. All rows lie in one buffer, so that those of a residual and kept ones can be picked together. Since a call writes rows
/// that lie side by side, kept rows do, and a table says under which number each was kept.
/// </summary>
internal sealed class DeviceRowMoves : IRowMoves, IDisposable
{
    private const int Free = -1;
    private const int PlacesOfSlot = 2;

    private readonly RowBuffer _all;
    private readonly StageSession _pick;
    private readonly RunClock _run = new();
    private readonly OrtIoBinding _binding;
    private readonly StageBuffer _numbers;
    private readonly Dictionary<RowBuffer, KeptPlaces> _kept = [];

    /// <summary>Makes the stage.</summary>
    /// <param name="all">The buffer of which all that are moved are parts.</param>
    /// <param name="maxRows">Most rows in a move.</param>
    /// <param name="provider">The device, and the process's memory.</param>
    public DeviceRowMoves(RowBuffer all, int maxRows, ExecutionProvider provider)
    {
        _all = all;
        _numbers = provider.Buffers.Reserve((long)maxRows * sizeof(int), "numbers of rows");
        try
        {
            using SessionOptions options = DeviceRows.SessionOptionsFor(provider);
            _pick = new StageSession(ProbeGraph.PickedRows(all.Type), options, _run, copiesInputs: true);
            _binding = _pick.NewBinding();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Time in the stage so far, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long RuntimeTicks => _run.Ticks;

    /// <summary>Room that so many kept rows need, so that new ones find places side by side.</summary>
    public static int RoomForKept(int rows) => PlacesOfSlot * rows;

    /// <inheritdoc/>
    public void Keep(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer kept, ReadOnlySpan<int> slots)
    {
        KeptPlaces places = Places(kept);
        while (numbers.Length > 0)
        {
            (int first, int count) = places.FindFree(numbers.Length);
            Span<int> picked = _numbers.Span<int>(0, count);
            for (int i = 0; i < count; i++)
            {
                picked[i] = rows.FirstRow + numbers[i];
            }

            Run(count, kept, first);
            places.Take(slots[..count], first);
            numbers = numbers[count..];
            slots = slots[count..];
        }
    }

    /// <inheritdoc/>
    public void Arrange(IReadOnlyList<RowSource> sources, RowBuffer rows, RowBuffer kept, RowBuffer to, int count)
    {
        KeptPlaces places = Places(kept);
        Span<int> picked = _numbers.Span<int>(0, count);
        int row = 0;
        for (int i = 0; i < sources.Count; i++)
        {
            RowSource source = sources[i];
            for (int j = 0; j < source.Rows; j++)
            {
                picked[row++] = source.IsKept ? kept.FirstRow + places.Of(source.First + j) : rows.FirstRow + source.First + j;
            }
        }

        picked[row..].Fill(picked[row - 1]);
        Run(count, to, 0);
    }

    /// <inheritdoc/>
    public void Pick(RowBuffer rows, ReadOnlySpan<int> numbers, RowBuffer to, int count)
    {
        Span<int> picked = _numbers.Span<int>(0, count);
        for (int i = 0; i < numbers.Length; i++)
        {
            picked[i] = rows.FirstRow + numbers[i];
        }

        picked[numbers.Length..].Fill(picked[numbers.Length - 1]);
        Run(count, to, 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _binding?.Dispose();
        _pick?.Dispose();
        _run.Dispose();
        _numbers.Dispose();
    }

    private KeptPlaces Places(RowBuffer kept)
    {
        if (!_kept.TryGetValue(kept, out KeptPlaces? places))
        {
            places = new KeptPlaces(kept.Rows);
            _kept.Add(kept, places);
        }

        return places;
    }

    // Numbers of the process are copied when they are bound.
    private void Run(int count, RowBuffer to, int first)
    {
        _all.BindInput(_binding, ProbeGraph.Input, _all.Rows);
        using OrtValue numbers = _numbers.View(ElementType.Int32, 0, count);
        using OrtValue output = to.View(first, count);
        _binding.BindInput(ProbeGraph.Numbers, numbers);
        _binding.BindOutput(ProbeGraph.Output, output);
        _pick.Run(_binding);
    }

    /// <summary>Where kept rows lie.</summary>
    /// <param name="places">How many there are: more than numbers under which rows are kept.</param>
    private sealed class KeptPlaces(int places)
    {
        private readonly int[] _places = Filled(places / PlacesOfSlot);
        private readonly int[] _slots = Filled(places);
        private int _next;

        /// <summary>Where the row of a number lies.</summary>
        public int Of(int slot) => _places[slot];

        /// <summary>Free places side by side: as many as are wanted, or the most there are.</summary>
        public (int First, int Count) FindFree(int wanted)
        {
            (int First, int Count) best = (0, 0);
            for (int turn = 0; turn < 2 && best.Count < wanted; turn++)
            {
                int run = 0;
                for (int place = _next; place < _slots.Length && best.Count < wanted; place++)
                {
                    run = _slots[place] == Free ? run + 1 : 0;
                    best = run > best.Count ? (place + 1 - run, run) : best;
                }

                _next = 0;
            }

            return best;
        }

        /// <summary>Puts rows of some numbers where there was room, and forgets where they were before.</summary>
        public void Take(ReadOnlySpan<int> slots, int first)
        {
            for (int i = 0; i < slots.Length; i++)
            {
                if (_places[slots[i]] != Free)
                {
                    _slots[_places[slots[i]]] = Free;
                }

                _places[slots[i]] = first + i;
                _slots[first + i] = slots[i];
            }

            _next = first + slots.Length;
        }

        private static int[] Filled(int length)
        {
            int[] all = new int[length];
            Array.Fill(all, Free);
            return all;
        }
    }
}
