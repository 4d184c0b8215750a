using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>What is remembered of files is believed byte for byte or not at all.</summary>
public sealed class StampFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _stamped;
    private readonly SafeFileHandle _handle;
    private readonly Stamp _stamp;
    private readonly StampFile _file;

    public StampFileTests()
    {
        _stamped = _folder.Write("stamped", "weights");
        _handle = File.OpenHandle(_stamped);
        _stamp = Stamp.Of(_stamped, Number(17), [("näme\n\"", _handle)])!;
        _file = StampFile.Beside(_stamped);
        _file.Remember(_stamp, Number(42));
    }

    private string StampPath => _stamped + ".stamp";

    public void Dispose()
    {
        _handle.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_was_remembered_is_found_with_the_same_stamp_alone()
    {
        Assert.Equal(Number(42), _file.Find(_stamp));
        Assert.Equal(Number(42), StampFile.Beside(_stamped).Find(Stamp.Of(_stamped, Number(17), [("näme\n\"", _handle)])!));
        Assert.Null(_file.Find(Stamp.Of(_stamped, Number(18), [("näme\n\"", _handle)])!));
        Assert.Null(_file.Find(Stamp.Of(_stamped, Number(17), [("name\n\"", _handle)])!));
        Assert.Null(_file.Find(Stamp.Of(_stamped + "2", Number(17), [("näme\n\"", _handle)])!));
        Assert.Null(_file.Find(Stamp.Of(_stamped, Number(17), [("näme\n\"", _handle), ("b", _handle)])!));
        Assert.Null(_file.Find(Stamp.Of(_stamped, Number(17), [])!));
        Assert.Null(StampFile.Of(_folder.Path, "checkpoint", _stamped).Find(_stamp));
    }

    [Fact]
    public void Numbers_of_any_size_come_back()
    {
        foreach (ContentHash number in (ContentHash[])[default, new(0, 1), new(1, 0), new(ulong.MaxValue, ulong.MaxValue), new(0x5555555555555555, 0xFEDCBA9876543210)])
        {
            _file.Remember(_stamp, number);
            Assert.Equal(number, _file.Find(_stamp));
        }
    }

    [Fact]
    public void It_is_one_json_object_in_a_file_of_its_owner_alone()
    {
        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(StampPath));
        Assert.Equal(["format", "path", "content", "files", "number", "check"], json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(7, json.RootElement.GetProperty("files")[0].GetProperty("length").GetInt64());
        Assert.Equal([_stamped, StampPath], Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(StampPath));
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_nothing_remembered()
    {
        byte[] sound = File.ReadAllBytes(StampPath);
        for (int place = 0; place < sound.Length; place++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] damaged = [.. sound];
                damaged[place] ^= (byte)(1 << bit);
                File.WriteAllBytes(StampPath, damaged);
                Assert.Null(_file.Find(_stamp));
            }
        }

        File.WriteAllBytes(StampPath, sound);
        Assert.Equal(Number(42), _file.Find(_stamp));
    }

    [Fact]
    public void One_cut_short_or_with_something_behind_it_is_nothing_remembered()
    {
        byte[] sound = File.ReadAllBytes(StampPath);
        for (int length = 0; length < sound.Length; length++)
        {
            File.WriteAllBytes(StampPath, sound[..length]);
            Assert.Null(_file.Find(_stamp));
        }

        File.WriteAllBytes(StampPath, [.. sound, (byte)'\n']);
        Assert.Null(_file.Find(_stamp));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1, 2")]
    [InlineData("""{"format": 1, "files": [{"length": 99999999999999999999999999}], "number": -1}""")]
    [InlineData("\0")]
    public void Something_else_is_nothing_remembered(string text)
    {
        File.WriteAllText(StampPath, text);
        Assert.Null(_file.Find(_stamp));

        // As long as the right one, too.
        _file.Remember(_stamp, Number(42));
        int length = (int)new FileInfo(StampPath).Length;
        File.WriteAllText(StampPath, text.PadRight(length));
        Assert.Null(_file.Find(_stamp));
        File.WriteAllText(StampPath, new string('9', length));
        Assert.Null(_file.Find(_stamp));
    }

    [Fact]
    public void Nothing_is_read_or_allocated_by_the_length_of_a_file()
    {
        using (FileStream stream = File.Create(StampPath))
        {
            stream.SetLength(1L << 40);
        }

        _file.Find(_stamp);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(_file.Find(_stamp));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void A_folder_or_a_pipe_in_its_place_is_nothing_remembered_and_stays()
    {
        File.Delete(StampPath);
        Assert.Null(_file.Find(_stamp));
        Directory.CreateDirectory(StampPath);
        Assert.Null(_file.Find(_stamp));
        _file.Remember(_stamp, Number(42));
        Assert.Null(_file.Find(_stamp));
        Assert.Equal([_stamped], Directory.GetFiles(_folder.Path));
        Directory.Delete(StampPath);

        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no mkfifo.");
        using Process process = Process.Start("mkfifo", [StampPath]);
        process.WaitForExit();
        Assert.Null(_file.Find(_stamp));
        _file.Remember(_stamp, Number(42));
        Assert.Equal(Number(42), _file.Find(_stamp));
    }

    [Fact]
    public async Task Threads_that_remember_and_ask_at_once_find_something_whole()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                _file.Remember(_stamp, Number((ulong)thread));
                Assert.True(_file.Find(_stamp) is { Upper: 0, Lower: <= 3 });
            }
        }, TestContext.Current.CancellationToken)));
        Assert.Equal([_stamped, StampPath], Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal));
    }

    private static ContentHash Number(ulong number) => new(0, number);
}
