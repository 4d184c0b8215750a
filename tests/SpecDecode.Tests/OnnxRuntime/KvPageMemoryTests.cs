using System.Globalization;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Memory for pages of keys and values.</summary>
public sealed unsafe class KvPageMemoryTests
{
    private static readonly AttendDescription Attend = new(QueryHeads: 8, KeyValueHeads: 4, HeadSize: 64, Scale: 0.125f, Rotary: null);

    [Fact]
    public void A_page_that_is_brought_in_is_there_before_it_is_written_and_the_end_of_its_slab_is_not()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.OSVersion.Version >= new Version(5, 14), "This system has no call for it.");
        using KvPageMemory memory = new([Attend, Attend], KvPrecision.Fp32, new CpuBufferAllocator());
        memory.AddSlab(0);
        int bytes = checked((int)memory.PageBytes);
        foreach (int page in (int[])[0, 1, memory.SlabPages / 2, 3])
        {
            memory.BringIn(page);
            long before = Faults();
            new Span<byte>(memory.Slabs[0] + page * bytes, bytes).Fill(1);
            Assert.InRange(Faults() - before, 0, bytes / Environment.SystemPageSize / 8);
        }

        long missing = Faults();
        memory.Slabs[0][(long)memory.SlabPages * bytes - 1] = 1;
        Assert.True(Faults() > missing);
    }

    [Fact]
    public void Slabs_read_as_zero_and_do_not_touch_each_other()
    {
        using KvPageMemory memory = new([Attend], KvPrecision.Int8, new CpuBufferAllocator());
        int bytes = checked((int)(memory.PageBytes * memory.SlabPages));
        for (int slab = 0; slab < 3; slab++)
        {
            memory.AddSlab(slab);
            Span<byte> all = new(memory.Slabs[slab], bytes);
            Assert.Equal(-1, all.IndexOfAnyExcept((byte)0));
            all.Fill((byte)(slab + 1));
        }

        for (int slab = 0; slab < 3; slab++)
        {
            Assert.Equal(-1, new ReadOnlySpan<byte>(memory.Slabs[slab], bytes).IndexOfAnyExcept((byte)(slab + 1)));
        }
    }

    // Pages that this thread has found missing until now (proc(5), minflt).
    private static long Faults()
    {
        string line = File.ReadAllText("/proc/thread-self/stat");
        return long.Parse(line[(line.LastIndexOf(')') + 2)..].Split(' ')[7], CultureInfo.InvariantCulture);
    }
}
