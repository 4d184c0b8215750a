using Microsoft.Win32.SafeHandles;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class FileStateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public FileStateTests()
    {
        _file = _folder.Write("file", "weights");
        File.SetLastWriteTimeUtc(_file, StampedLoad.LongAgo);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_is_what_the_system_says()
    {
        FileState state = State(_file);
        Assert.Equal(7, state.Length);
        Assert.Equal(new FileTime((long)(StampedLoad.LongAgo - DateTime.UnixEpoch).TotalSeconds, 0), state.Modified);
        Assert.Equal(state, State(_file));
        File.ReadAllBytes(_file);
        Assert.Equal(state, State(_file));

        File.SetLastWriteTimeUtc(_file, StampedLoad.LongAgo.AddTicks(1));
        Assert.Equal(state with { Modified = new FileTime(state.Modified.Seconds, 100) }, State(_file));
        File.SetLastWriteTimeUtc(_file, new DateTime(1915, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.True(State(_file).Modified.CompareTo(default) < 0);
    }

    [Fact]
    public void A_name_of_its_own_changes_nothing_and_another_file_under_the_name_is_another()
    {
        FileState state = State(_file);
        File.Move(_file, _folder.File("moved"));
        Assert.Equal(state, State(_folder.File("moved")));
        File.Copy(_folder.File("moved"), _file);
        File.SetLastWriteTimeUtc(_file, StampedLoad.LongAgo);
        FileState copy = State(_file);
        Assert.NotEqual(state.Identity, copy.Identity);
        Assert.Equal(state with { Identity = copy.Identity }, copy);
    }

    [Fact]
    public void Files_that_take_the_inode_of_one_that_is_gone_are_others()
    {
        // File systems give numbers of inodes again at once.
        HashSet<FileState> states = [];
        for (int i = 0; i < 50; i++)
        {
            File.WriteAllText(_file, "weights");
            File.SetLastWriteTimeUtc(_file, StampedLoad.LongAgo);
            FileState state = State(_file);
            Assert.SkipUnless(state.Identity.Contains("made", StringComparison.Ordinal), "The file system does not say when a file was made.");
            Assert.True(states.Add(state), state.ToString());
            File.Delete(_file);
            Thread.Sleep(10);
        }
    }

    [Fact]
    public void What_was_written_two_seconds_before_is_settled()
    {
        DateTime settled = FileState.SettledTime;
        Assert.InRange(DateTime.UtcNow - settled, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(60));
        File.SetLastWriteTimeUtc(_file, settled);
        Assert.True(State(_file).IsSettled(settled));
        File.SetLastWriteTimeUtc(_file, settled.AddTicks(1));
        Assert.False(State(_file).IsSettled(settled));
        File.SetLastWriteTimeUtc(_file, settled.AddDays(1));
        Assert.False(State(_file).IsSettled(settled));
    }

    private static FileState State(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        return Assert.IsType<FileState>(FileState.Of(file));
    }
}
