using System.Globalization;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Memory for pages of keys and values.</summary>
public sealed unsafe class KvPageMemoryTests
{
    private const int LargePage = 2 << 20;

    private static readonly AttendDescription Attend = new(QueryHeads: 8, KeyValueHeads: 4, HeadSize: 64, Scale: 0.125f, Rotary: null);

    [Fact]
    public void Pages_that_are_brought_in_are_there_before_they_are_written_and_the_rest_of_a_slab_is_not_also_when_it_comes_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.OSVersion.Version >= new Version(5, 14), "This system has no call for it.");
        using KvPageMemory memory = new([Attend, Attend], KvPrecision.Fp32, new CpuBufferAllocator());
        for (int turn = 0; turn < 2; turn++)
        {
            memory.AddSlab(0);
            Assert.Equal(0, Mapping(memory.Slabs[0]).Resident);
            foreach (int page in (int[])[0, 1, memory.SlabPages / 2, 3])
            {
                long needed = (page + 1) * memory.PageBytes;
                long before = Mapping(memory.Slabs[0]).Resident;
                memory.BringIn(page);
                Assert.InRange(Mapping(memory.Slabs[0]).Resident, Math.Max(before, needed), Math.Max(before, needed + LargePage - 1));
            }

            memory.RemoveSlab(0);
        }
    }

    [Fact]
    public void Slabs_ask_for_large_pages()
    {
        Assert.SkipUnless(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "This system has none.");
        using KvPageMemory memory = new([Attend], KvPrecision.Fp16, new CpuBufferAllocator());
        memory.AddSlab(0);
        Assert.Equal(0, (nint)memory.Slabs[0] % LargePage);
        Assert.Contains("hg", Mapping(memory.Slabs[0]).Flags);
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

    // Of the mapping that begins at an address: what is in memory, in bytes, and its flags (proc(5), smaps).
    private static (long Resident, string[] Flags) Mapping(byte* address)
    {
        string[] lines = File.ReadAllLines("/proc/self/smaps");
        int first = Array.FindIndex(lines, line => line.StartsWith(((nint)address).ToString("x", CultureInfo.InvariantCulture) + "-", StringComparison.Ordinal));
        Assert.True(first >= 0, "No mapping begins there.");
        string Value(string name) => lines.Skip(first).First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();
        return (long.Parse(Value("Rss:").Split(' ')[0], CultureInfo.InvariantCulture) << 10, Value("VmFlags:").Split(' '));
    }
}
