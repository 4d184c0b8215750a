using System.Diagnostics;
using System.Runtime.Versioning;
using SpecDecode.Checkpoints;
using SpecDecode.Drafting;
using SpecDecode.Models;
using SpecDecode.Tests.Drafting;

namespace SpecDecode.Tests.Models;

/// <summary>The file that keeps what drafting has learnt is believed as a whole or not at all, and is never an error.</summary>
public sealed class DraftMemoryTests : IDisposable
{
    private static readonly string[] Setup = ["weights", "2 threads"];

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];
    private readonly PolicyState _state = Learnt(1);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_kept_is_found_by_the_same_setup_alone()
    {
        Keep(_state);
        AssertSame(_state, Open().Learnt);
        Assert.Null(Open("weights", "1 threads").Learnt);
        Assert.Null(Open("other weights", "2 threads").Learnt);
        Assert.Null(Open("weights").Learnt);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void The_last_one_counts()
    {
        Keep(_state);
        PolicyState other = Learnt(2);
        Keep(other);
        AssertSame(other, Open().Learnt);
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Each_flipped_byte_and_each_missing_end_is_noticed_and_told()
    {
        Keep(_state);
        string file = TheFile();
        byte[] sound = File.ReadAllBytes(file);
        for (int place = 0; place < sound.Length; place += place < 200 || place > sound.Length - 40 ? 1 : 7)
        {
            byte[] damaged = [.. sound];
            damaged[place] ^= (byte)(1 + place % 255);
            Assert.Null(DraftMemoryFormat.Read(damaged, Identity(sound), out string? doubt));
            Assert.Equal("it is damaged", doubt);
            Assert.Null(DraftMemoryFormat.Read(sound.AsSpan(0, place), Identity(sound), out doubt));
            Assert.Equal("it is damaged", doubt);
        }

        Assert.NotNull(DraftMemoryFormat.Read(sound, Identity(sound), out _));
        foreach (byte[] damaged in (byte[][])[sound[..^1], [.. sound, 0], sound[..20], [.. sound[..100], (byte)(sound[100] ^ 1), .. sound[101..]]])
        {
            File.WriteAllBytes(file, damaged);
            Assert.Null(Open().Learnt);
            Assert.Equal($"{file}: what drafting had learnt is not used, since it is damaged; it is learnt anew.", Taken());
        }
    }

    // With a hash that fits, as somebody might write it who knows how.
    [Fact]
    public void What_is_whole_but_could_not_have_come_about_is_not_taken()
    {
        Keep(_state);
        byte[] sound = File.ReadAllBytes(TheFile());
        Random random = new(3);
        int taken = 0;
        for (int i = 0; i < 5_000; i++)
        {
            byte[] made = [.. sound];
            for (int change = 0; change < 1 + i % 4; change++)
            {
                made[28 + random.Next(made.Length - 28 - 16)] = (byte)random.Next(256);
            }

            System.IO.Hashing.XxHash128.Hash(made.AsSpan(0, made.Length - 16)).CopyTo(made, made.Length - 16);
            if (DraftMemoryFormat.Read(made, Identity(sound), out _) is { } state)
            {
                // A number became another one that may be.
                Assert.True(new AutoDraftPolicy(16).TryRestore(state));
                taken++;
            }
        }

        Assert.InRange(taken, 1, 4_900);
    }

    [Fact]
    public void One_of_another_model_or_version_under_its_name_is_told_as_such()
    {
        Keep(_state);
        string mine = TheFile();
        DraftMemory other = Open("other");
        other.Keep(_state);
        other.Flush();
        File.Move(Directory.GetFiles(_folder.Path).Single(file => file != mine), mine, overwrite: true);
        Assert.Null(Open().Learnt);
        Assert.Contains("since it is of another model, or of other settings", Taken(), StringComparison.Ordinal);

        byte[] later = File.ReadAllBytes(mine);
        later[8] = 3;
        System.IO.Hashing.XxHash128.Hash(later.AsSpan(0, later.Length - 16)).CopyTo(later, later.Length - 16);
        File.WriteAllBytes(mine, later);
        Assert.Null(Open().Learnt);
        Assert.Contains("since it is of format version 3, and this version of the library reads 2", Taken(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_allocated_by_the_length_of_a_file()
    {
        Keep(_state);
        using (FileStream stream = File.OpenWrite(TheFile()))
        {
            stream.SetLength(1L << 40);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(Open().Learnt);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains("since it has 1099511627776 bytes, and none of these has more than ", Taken(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("link", "it is a link")]
    [InlineData("folder", "it is a folder")]
    [InlineData("pipe", "it is empty")]
    [InlineData("writable", "users other than its owner may write it")]
    [InlineData("another user's", "it belongs to another user (number 12345)")]
    [UnsupportedOSPlatform("windows")]
    public void What_this_user_has_not_written_there_is_not_read(string kind, string doubt)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no mkfifo, and modes are not looked at.");
        Assert.SkipUnless(kind != "another user's" || (OperatingSystem.IsLinux() && Environment.UserName == "root"), "Only root can give files away, to see it.");
        Keep(_state);
        string file = TheFile();
        string elsewhere = _folder.File("elsewhere");
        if (kind is "link" or "folder" or "pipe")
        {
            File.Move(file, elsewhere);
        }

        switch (kind)
        {
            case "link":
                File.CreateSymbolicLink(file, elsewhere);
                break;
            case "folder":
                Directory.CreateDirectory(file);
                break;
            case "pipe":
                Run("mkfifo", file);
                break;
            case "writable":
                File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.OtherWrite);
                break;
            default:
                Run("chown", "12345", file);
                break;
        }

        Assert.Null(Open().Learnt);
        Assert.Contains($"since {doubt}; it is learnt anew", Taken(), StringComparison.Ordinal);

        // What is kept then stands in its place, but for a folder, which stays.
        List<string> failures = [];
        DraftMemory memory = Open();
        memory.OnFailed(failures.Add);
        memory.Keep(_state);
        memory.Keep(_state);
        memory.Flush();
        _warnings.Clear();
        Assert.Equal(kind == "folder" ? 1 : 0, failures.Count);
        Assert.Equal(kind != "folder", Open().Learnt is not null);
    }

    [Fact]
    public void Where_nothing_can_be_written_that_is_told_once_and_is_no_error()
    {
        // A folder whose name a file has: it can be made by nobody, root included.
        string file = _folder.Write("file", "");
        List<string> failures = [];
        DraftMemory memory = DraftMemory.Open(Path.Combine(file, "cache"), Setup, _warnings.Add);
        Assert.Null(memory.Learnt);
        memory.Keep(_state);
        memory.Flush();
        memory.OnFailed(failures.Add);
        memory.Keep(_state);
        memory.Flush();
        Assert.False(string.IsNullOrWhiteSpace(Assert.Single(failures)));
        Assert.False(failures[0].EndsWith('.'));
        Assert.Empty(_warnings);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void It_is_its_owners_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the library does not look at who may write.");
        Keep(_state);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TheFile()));
    }

    [Fact]
    public async Task Those_that_write_at_once_leave_a_whole_file_of_one_of_them()
    {
        PolicyState[] states = [_state, Learnt(2), Learnt(3), Learnt(4)];
        Keep(_state);
        await Task.WhenAll(states.Select(state => Task.Run(() =>
        {
            DraftMemory memory = DraftMemory.Open(_folder.Path, Setup, _ => { });
            for (int i = 0; i < 25; i++)
            {
                memory.Keep(state);
                memory.Flush();
                Assert.NotNull(DraftMemory.Open(_folder.Path, Setup, warning => Assert.Fail(warning)).Learnt);
            }
        }, TestContext.Current.CancellationToken)));
        Assert.Single(Directory.GetFileSystemEntries(_folder.Path));
        PolicyState? last = Open().Learnt;
        Assert.Contains(states, state => last!.Plans[0].Calibrations[0].Evaluated.SequenceEqual(state.Plans[0].Calibrations[0].Evaluated));
    }

    // What a policy has learnt from some texts.
    private static PolicyState Learnt(int seed)
    {
        ModelDrafting model = new(16, hasDraftWeights: true);
        DraftingSimulation simulation = new(model.Auto, seed);
        for (int i = 0; i < 1 + seed % 3; i++)
        {
            simulation.Texts.Add(new SimulatedText(model.Of(new DraftingOptions { Strategy = DraftingStrategy.Auto }, "")!, 40_000, place => place * 7 % 1000));
        }

        simulation.Next = _ => (0.8f, 0.8);
        simulation.Write(1_500);
        return model.Auto.Snapshot();
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static ContentHash Identity(byte[] file)
    {
        UInt128 number = System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(file.AsSpan(12));
        return new ContentHash((ulong)(number >> 64), (ulong)number);
    }

    private static void AssertSame(PolicyState expected, PolicyState? actual)
    {
        Assert.NotNull(actual);
        ContentHash any = new(0, 7);
        Assert.Equal(DraftMemoryFormat.Write(any, expected), DraftMemoryFormat.Write(any, actual));
    }

    private DraftMemory Open(params string[] setup) => DraftMemory.Open(_folder.Path, setup.Length > 0 ? setup : Setup, _warnings.Add);

    private void Keep(PolicyState state)
    {
        DraftMemory memory = Open();
        memory.Keep(state);
        memory.Flush();
    }

    private string TheFile() => Directory.GetFiles(_folder.Path, "drafting-*.learnt").Single();

    private string Taken()
    {
        string warning = Assert.Single(_warnings);
        _warnings.Clear();
        return warning;
    }
}
