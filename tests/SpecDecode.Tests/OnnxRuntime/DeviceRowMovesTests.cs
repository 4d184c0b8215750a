using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Rows that are kept, picked and put together on a device, against the same in the process's memory.</summary>
public sealed class DeviceRowMovesTests : IDisposable
{
    private const int Rows = 12;
    private const int Width = 8;

    private readonly CountedCopies _copies = new();
    private readonly RowBuffer _all;
    private readonly RowBuffer[] _there;
    private readonly RowBuffer[] _here;
    private readonly DeviceRowMoves _moves;

    public DeviceRowMovesTests()
    {
        RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });
        CpuBufferAllocator process = new();
        int kept = DeviceRowMoves.RoomForKept(Rows);
        _all = new RowBuffer(new FakeDeviceMemory(), _copies, process, ElementType.Float16, (2 * Rows) + kept, Width, "rows");
        _there = [_all.Part(process, 0, Rows, "rows"), _all.Part(process, Rows, Rows, "rows"), _all.Part(process, 2 * Rows, kept, "kept rows")];
        _here = [.. Enumerable.Range(0, 3).Select(_ => new RowBuffer(process, ElementType.Float16, Rows, Width, "rows"))];
        _moves = new DeviceRowMoves(_all, Rows + 1, new ExecutionProvider(process, deviceMemory: null, _ => { }));
    }

    public void Dispose()
    {
        _moves.Dispose();
        Array.ForEach([.. _there, .. _here, _all], buffer => buffer.Dispose());
        _copies.Dispose();
    }

    [Fact]
    public void Whatever_is_kept_comes_back_as_it_was_however_often_slots_are_used_again()
    {
        Random random = new(3);
        ProcessRowMoves process = new();
        HashSet<int> known = [];
        for (int turn = 0; turn < 400; turn++)
        {
            Fill(random);
            int[] numbers = Some(random);
            int[] slots = [.. Enumerable.Range(0, Rows).OrderBy(_ => random.Next()).Take(numbers.Length)];
            long copies = _copies.Count;
            _moves.Keep(_there[0], numbers, _there[2], slots);
            process.Keep(_here[0], numbers, _here[2], slots);
            known.UnionWith(slots);

            List<RowSource> sources = [];
            int room = Rows;
            while (room > 0 && random.Next(4) > 0)
            {
                bool isKept = random.Next(2) == 0;
                int first = isKept ? known.ElementAt(random.Next(known.Count)) : random.Next(Rows);
                int rows = 1;
                while (rows < room && first + rows < Rows && (!isKept || known.Contains(first + rows)) && random.Next(3) > 0)
                {
                    rows++;
                }

                sources.Add(new RowSource(isKept, first, rows));
                room -= rows;
            }

            int count = Rows - room;
            if (count > 0)
            {
                int all = Math.Min(count + random.Next(2), Rows);
                _moves.Arrange(sources, _there[0], _there[2], _there[1], all);
                process.Arrange(sources, _here[0], _here[2], _here[1], all);
                Assert.Equal(copies, _copies.Count);
                Assert.Equal(_here[1].Read(all), _there[1].Read(all));
            }
        }
    }

    [Fact]
    public void Picked_rows_are_those_in_any_order_with_companions_of_the_last()
    {
        Random random = new(4);
        for (int turn = 0; turn < 50; turn++)
        {
            Fill(random);
            int[] numbers = Some(random);
            int all = Math.Min(numbers.Length + random.Next(2), Rows);
            long copies = _copies.Count;
            _moves.Pick(_there[0], numbers, _there[1], all);
            new ProcessRowMoves().Pick(_here[0], numbers, _here[1], all);

            Assert.Equal(copies, _copies.Count);
            Assert.Equal(_here[1].Read(all), _there[1].Read(all));
        }
    }

    private static int[] Some(Random random) => [.. Enumerable.Range(0, Rows).OrderBy(_ => random.Next()).Take(1 + random.Next(Rows))];

    private void Fill(Random random)
    {
        float[] rows = [.. Enumerable.Range(0, Rows * Width).Select(_ => random.Next(2000) / 8f)];
        foreach (RowBuffer buffer in (RowBuffer[])[_there[0], _here[0]])
        {
            rows.CopyTo(buffer.Floats(Rows));
            buffer.Write(Rows);
        }
    }

    /// <summary>Copies between the process and memory that is none of it.</summary>
    private sealed class CountedCopies : IRowCopies, IDisposable
    {
        private readonly InferenceSession _copy = new(ProbeGraph.Rows(ElementType.Float16));
        private readonly RunOptions _options = new();

        public long Count { get; private set; }

        public void Copy(OrtValue from, OrtValue to)
        {
            Count++;
            using OrtIoBinding binding = _copy.CreateIoBinding();
            binding.BindInput(ProbeGraph.Input, from);
            binding.BindOutput(ProbeGraph.Output, to);
            _copy.RunWithBinding(_options, binding);
        }

        public void Dispose()
        {
            _options.Dispose();
            _copy.Dispose();
        }
    }
}
