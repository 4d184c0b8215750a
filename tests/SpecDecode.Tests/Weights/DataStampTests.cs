using SpecDecode.Models;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>The data of a prepared file are compared with their hashes once, and again when the system says something else of it.</summary>
public sealed class DataStampTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public DataStampTests() => File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo);

    private string Shipped => _model.Beside("shipped");

    private string ShippedWeights => Path.Combine(Shipped, "specdecode.weights");

    public void Dispose() => _model.Dispose();

    [Fact]
    public void What_was_just_written_is_not_read_back_and_known_from_then_on()
    {
        StampedLoad first = Load();
        Assert.Equal(LoadPhase.PreparingWeights, first.Phases[^1]);
        Assert.Equal(1, first.Phases.Count(phase => phase == LoadPhase.CheckingWeights));
        Assert.Empty(Load().Phases);

        // Asked for, it is read back, too.
        File.Delete(first.Path);
        StampedLoad again = Load(verifies: true);
        Assert.Equal(LoadPhase.CheckingWeights, again.Phases[^1]);
        Assert.Equal(2, again.Phases.Count(phase => phase == LoadPhase.CheckingWeights));
    }

    [Fact]
    public void Damage_behind_an_unchanged_stamp_is_noticed_when_it_is_asked_for_and_mended()
    {
        string path = Load().Path;
        byte[] sound = File.ReadAllBytes(path);
        StampedLoad.DamageUnseen(path, 1234);
        Assert.Empty(Load().Phases);
        Assert.NotEqual(sound, File.ReadAllBytes(path));

        StampedLoad noticed = Load(verifies: true);
        Assert.Equal(
            $"{path}: these prepared weights are not used, since they are damaged; they are made again from the checkpoint.", Assert.Single(noticed.Warnings));
        Assert.Equal(sound, File.ReadAllBytes(path));
        Assert.Empty(Load().Phases);
        Assert.Empty(Load(verifies: true).Warnings);
    }

    [Fact]
    public void A_damaged_table_is_noticed_at_each_load()
    {
        string path = Load().Path;
        byte[] sound = File.ReadAllBytes(path);
        StampedLoad.DamageUnseen(path, -45);
        Assert.Contains("they are damaged", Assert.Single(Load().Warnings), StringComparison.Ordinal);
        Assert.Equal(sound, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData("touched")]
    [InlineData("replaced")]
    [InlineData("stamp gone")]
    [InlineData("stamp of another file")]
    public void A_file_of_which_the_system_says_something_else_is_compared_once(string how)
    {
        string path = Load().Path;
        string other = Load(Precision.Int8).Path;
        DateTime written = File.GetLastWriteTimeUtc(path);
        switch (how)
        {
            case "touched":
                File.SetLastWriteTimeUtc(path, written.AddSeconds(-1));
                break;
            case "replaced":
                StampedLoad.Replace(path);
                break;
            case "stamp gone":
                File.Delete(path + ".stamp");
                break;
            default:
                File.Copy(other + ".stamp", path + ".stamp", overwrite: true);
                break;
        }

        StampedLoad load = Load();
        Assert.Equal(path, load.Path);
        Assert.Equal([LoadPhase.CheckingWeights], load.Phases.Distinct());
        Assert.Empty(load.Warnings);
        Assert.Empty(Load().Phases);
    }

    [Fact]
    public void Damage_that_changes_the_time_is_noticed_at_the_next_load_even_right_after_writing()
    {
        // The times of files are coarse: a file that was written just now is dated back, so that these are told apart.
        string path = Load().Path;
        byte[] sound = File.ReadAllBytes(path);
        for (int i = 0; i < 20; i++)
        {
            using (FileStream stream = new(path, FileMode.Open, FileAccess.Write))
            {
                stream.Position = 5000;
                stream.WriteByte((byte)(sound[5000] ^ 1));
            }

            Assert.Contains("they are damaged", Assert.Single(Load().Warnings), StringComparison.Ordinal);
            Assert.Equal(sound, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void A_cache_that_was_copied_is_compared_once()
    {
        Load();
        string copy = _model.Beside("copied cache");
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(_model.Cache))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        StampedLoad load = StampedLoad.Of(_model.Folder, copy);
        Assert.Equal([LoadPhase.CheckingWeights], load.Phases);
        Assert.Empty(StampedLoad.Of(_model.Folder, copy).Phases);
    }

    [Fact]
    public void A_prepared_folder_is_compared_at_its_first_load()
    {
        Prepare();
        Assert.Equal([LoadPhase.CheckingWeights], LoadShipped().Phases);
        Assert.Empty(LoadShipped().Phases);
        Assert.Equal([LoadPhase.CheckingWeights], LoadShipped(verifies: true).Phases);

        // Elsewhere it is another.
        string moved = _model.Beside("moved");
        Directory.Move(Shipped, moved);
        Assert.Equal([LoadPhase.CheckingWeights], StampedLoad.Of(moved, _model.Cache).Phases);
        Assert.Empty(StampedLoad.Of(moved, _model.Cache).Phases);
    }

    [Fact]
    public void Nothing_is_written_into_a_prepared_folder_and_none_of_it_into_the_cache_when_it_is_made()
    {
        Prepare(cache: _model.Cache);
        Assert.False(Path.Exists(_model.Cache));
        string[] files = Directory.GetFileSystemEntries(Shipped);
        LoadShipped();
        Assert.Equal(files, Directory.GetFileSystemEntries(Shipped));
        Assert.StartsWith("prepared-", Path.GetFileName(Assert.Single(Directory.GetFiles(_model.Cache))), StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_in_a_prepared_folder_is_noticed_when_the_time_changes_or_it_is_asked_for()
    {
        Prepare();
        LoadShipped();
        StampedLoad.DamageUnseen(ShippedWeights, 1234);
        Assert.Empty(LoadShipped().Phases);
        Assert.Contains("is damaged", Assert.ThrowsAny<SpecDecodeException>(() => LoadShipped(verifies: true)).Message, StringComparison.Ordinal);
        File.SetLastWriteTimeUtc(ShippedWeights, StampedLoad.LongAgo);
        for (int i = 0; i < 2; i++)
        {
            string message = Assert.ThrowsAny<SpecDecodeException>(() => LoadShipped()).Message;
            Assert.Contains($"{ShippedWeights}: is damaged", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Other_weights_with_the_length_and_the_time_of_those_before_are_compared()
    {
        Prepare();
        LoadShipped();
        StampedLoad.DamageUnseen(_model.Weights);
        string other = _model.Beside("other");
        ModelPreparation.Prepare(_model.Folder, output: other, cancellationToken: TestContext.Current.CancellationToken);
        byte[] bytes = File.ReadAllBytes(Path.Combine(other, "specdecode.weights"));
        Assert.NotEqual(bytes, File.ReadAllBytes(ShippedWeights));
        DateTime time = File.GetLastWriteTimeUtc(ShippedWeights);
        using (FileStream stream = new(ShippedWeights, FileMode.Open, FileAccess.Write))
        {
            // Hashes are numbers written out, so that a file may be a digit longer than another.
            Assert.SkipUnless(stream.Length == bytes.Length, "The two are not equally long.");
            stream.Write(bytes);
        }

        File.SetLastWriteTimeUtc(ShippedWeights, time);
        Assert.Equal([LoadPhase.CheckingWeights], LoadShipped().Phases);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("no path")]
    [InlineData("unsafe")]
    public void Without_a_cache_folder_that_can_be_used_a_prepared_folder_is_compared_at_each_load(string kind)
    {
        Prepare();
        string cache = kind == "no path" ? "\0" : _model.Beside("unusable");
        if (kind == "file")
        {
            File.WriteAllText(cache, "in the way");
        }
        else if (kind == "unsafe")
        {
            Assert.SkipWhen(OperatingSystem.IsWindows(), "There the library does not look at who may write.");
            Directory.CreateDirectory(cache);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(cache, (UnixFileMode)0b111_111_111);
            }

            // Where the folder of the user's own would be.
            if (FileTrust.OwnFolderIn(cache) is { } own)
            {
                File.WriteAllText(own, "");
            }
        }

        Assert.Equal([LoadPhase.CheckingWeights], StampedLoad.Of(Shipped, cache).Phases);
        Assert.Equal([LoadPhase.CheckingWeights], StampedLoad.Of(Shipped, cache).Phases);
    }

    [Fact]
    public async Task Threads_that_load_a_prepared_folder_at_once_agree()
    {
        Prepare();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => LoadShipped(), TestContext.Current.CancellationToken)));
        Assert.Empty(LoadShipped().Phases);
        Assert.Single(Directory.GetFiles(_model.Cache));
    }

    private void Prepare(string? cache = null) => ModelPreparation.Prepare(
        _model.Folder, new ModelOptions { CacheFolder = cache }, Shipped, cancellationToken: TestContext.Current.CancellationToken);

    private StampedLoad LoadShipped(bool verifies = false) => StampedLoad.Of(Shipped, _model.Cache, verifies);

    private StampedLoad Load(Precision? precision = null, bool verifies = false) => StampedLoad.Of(_model.Folder, _model.Cache, verifies, precision);
}
