using SpecDecode.Checkpoints;
using SpecDecode.Families;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class WeightCacheTests : IDisposable
{
    private static readonly DateTime LongAgo = new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_second_open_writes_nothing()
    {
        string path = Prepare();
        byte[] bytes = File.ReadAllBytes(path);
        File.SetLastWriteTimeUtc(path, LongAgo);

        Assert.Equal(path, Prepare());
        Assert.Equal(LongAgo, File.GetLastWriteTimeUtc(path));
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    [Fact]
    public void Tensors_begin_at_pages_and_hold_the_checkpoints_values()
    {
        using Checkpoint checkpoint = Checkpoint.Open(_model.Folder);
        using PreparedWeights weights = Open(checkpoint);
        PreparedTensor norm = weights["final_norm"];
        float[] expected = new float[64];
        checkpoint.ReadFloats(checkpoint.Tensors["model.norm.weight"], 0, expected);

        Assert.Equal(0, norm.Offset % 4096);
        Assert.Equal([64], norm.Shape);
        byte[] file = File.ReadAllBytes(weights.Path);
        Assert.Equal(expected, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.AsSpan((int)norm.Offset, (int)norm.Length)));
        Assert.True(weights.TensorBytes < file.Length);
    }

    [Theory]
    [InlineData("first byte")]
    [InlineData("first tensor")]
    [InlineData("middle")]
    [InlineData("end of the data")]
    [InlineData("table's start")]
    [InlineData("table's end")]
    [InlineData("table length")]
    [InlineData("table length's high byte")]
    [InlineData("table hash")]
    [InlineData("last byte")]
    public void A_flipped_byte_leads_to_the_same_file_written_again(string where)
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        int trailer = sound.Length - PreparedWeightsFormat.TrailerBytes;
        int table = trailer - (int)BitConverter.ToInt64(sound, trailer);
        int place = where switch
        {
            "first byte" => 0,
            "first tensor" => 1234,
            "middle" => sound.Length / 2,
            "end of the data" => table - 1,
            "table's start" => table,
            "table's end" => trailer - 1,
            "table length" => trailer,
            "table length's high byte" => trailer + 7,
            "table hash" => trailer + 8,
            _ => sound.Length - 1,
        };
        byte[] damaged = [.. sound];
        damaged[place] ^= 0x40;
        AssertRebuilt(path, sound, damaged);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(39)]
    [InlineData(40)]
    [InlineData(4096)]
    [InlineData(-1)]
    [InlineData(-40)]
    [InlineData(-4096)]
    public void A_file_cut_short_leads_to_the_same_file_written_again(int length)
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        AssertRebuilt(path, sound, sound[..(length < 0 ? sound.Length + length : length)]);
    }

    [Fact]
    public void A_file_with_something_before_or_behind_it_leads_to_the_same_file_written_again()
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        AssertRebuilt(path, sound, [.. sound, 0]);
        AssertRebuilt(path, sound, [.. new byte[4096], .. sound]);
        AssertRebuilt(path, sound, new byte[sound.Length]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public void A_file_of_another_format_version_is_written_again_with_a_message(int version)
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        List<string> warnings = [];
        AssertRebuilt(path, sound, FormatVersions.Rewrite(sound, version), warnings.Add);
        Assert.Equal(
            $"{path}: these prepared weights are not used, since they are of format version {version}, and this version of the library reads {PreparedWeightsFormat.Versions}; they are made again from the checkpoint.",
            Assert.Single(warnings));
        Prepare(warn: warnings.Add);
        Assert.Single(warnings);
    }

    [Theory]
    [InlineData(1, "and this version of the library reads 2 to 4")]
    [InlineData(2, "which this version of the library reads in prepared folders only")]
    public void Weights_of_another_format_version_under_their_own_name_stay_and_are_told_of(int version, string said)
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        string older = Path.Combine(_model.Cache, "llama-fp32-older.weights");
        byte[] bytes = FormatVersions.Rewrite(sound, version);
        File.WriteAllBytes(older, bytes);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(older, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.Delete(path);
        List<string> warnings = [];
        Prepare(warn: warnings.Add);
        Assert.StartsWith($"{older}: these prepared weights are not used, since they are of format version {version}, {said}; ", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(sound, File.ReadAllBytes(path));
        Assert.Equal(bytes, File.ReadAllBytes(older));
    }

    [Fact]
    public void A_damaged_file_is_written_again_with_a_message()
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        List<string> warnings = [];
        AssertRebuilt(path, sound, [.. sound, 0], warnings.Add);
        Assert.Equal($"{path}: these prepared weights are not used, since they are damaged; they are made again from the checkpoint.", Assert.Single(warnings));
    }

    [Fact]
    public void A_sound_file_of_another_checkpoint_under_this_ones_name_is_not_used()
    {
        string first = Prepare();
        ChangeOneWeight();
        string second = Prepare();
        byte[] sound = File.ReadAllBytes(second);
        AssertRebuilt(second, sound, File.ReadAllBytes(first));
    }

    [Fact]
    public void Damaged_prepared_weights_give_the_right_logits_again()
    {
        string sound = ToolRun.On(_model, "logits", "--tokens", "1,2,3").Output;
        string path = Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(0, 100_000).Fill(0x3F);
        File.WriteAllBytes(path, bytes);

        Assert.Equal(sound, ToolRun.On(_model, "logits", "--tokens", "1,2,3").Output);
    }

    [Fact]
    public void A_changed_byte_of_the_checkpoint_leads_to_another_file()
    {
        string before = Prepare();
        ChangeOneWeight();

        Assert.NotEqual(before, Prepare());
        Assert.Equal(2, Directory.GetFiles(_model.Cache, "*.weights").Length);
    }

    [Fact]
    public void The_same_content_in_another_folder_shares_the_file()
    {
        string first = Prepare();
        using FixtureCheckpoint copy = new();

        Assert.Equal(first, Prepare(copy.Folder));
        Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
    }

    [Fact]
    public async Task Threads_that_prepare_at_once_share_one_file()
    {
        string[] paths = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Prepare(), TestContext.Current.CancellationToken)));

        Assert.Single(paths.Distinct());
        Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        Assert.Empty(Directory.GetFiles(_model.Cache, "*.tmp"));
    }

    [Fact]
    public void Whoever_waits_for_another_that_prepares_says_so_and_can_be_cancelled()
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        File.Delete(path);
        using (FileStream held = new(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            using CancellationTokenSource enough = new();
            List<LoadPhase> phases = [];
            Assert.ThrowsAny<OperationCanceledException>(() => Prepare(progress: Told(progress =>
            {
                phases.Add(progress.Phase);
                if (progress.Phase != LoadPhase.CheckingWeights)
                {
                    enough.Cancel();
                }
            }), enough: enough));
            Assert.Equal([LoadPhase.CheckingWeights, LoadPhase.WaitingForAnotherProcess], phases);
        }

        Assert.Equal(path, Prepare());
        Assert.Equal(sound, File.ReadAllBytes(path));
    }

    [Fact]
    public void Whoever_waited_takes_what_the_other_prepared()
    {
        string path = Prepare();
        byte[] sound = File.ReadAllBytes(path);
        File.Delete(path);
        FileStream held = new(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        string found = Prepare(progress: Told(progress =>
        {
            if (progress.Phase == LoadPhase.WaitingForAnotherProcess)
            {
                File.WriteAllBytes(path, sound);
                File.SetLastWriteTimeUtc(path, LongAgo);
                held.Dispose();
            }
        }));

        Assert.Equal(path, found);
        Assert.Equal(LongAgo, File.GetLastWriteTimeUtc(path));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void Cancelling_in_the_middle_leaves_nothing_half_written(double at)
    {
        using CancellationTokenSource enough = new();
        bool told = false;
        Assert.ThrowsAny<OperationCanceledException>(() => Prepare(progress: Told(progress =>
        {
            if (progress.Phase == LoadPhase.PreparingWeights && progress.Fraction >= at)
            {
                told = true;
                enough.Cancel();
            }
        }), enough: enough));

        Assert.True(told);
        Assert.Empty(Directory.GetFiles(_model.Cache, "*.tmp"));
        Assert.Equal(File.ReadAllBytes(Prepare(cache: _model.Beside("another cache"))), File.ReadAllBytes(Prepare()));
    }

    [Fact]
    public void What_a_crash_left_behind_is_removed_and_other_files_are_not()
    {
        string path = Prepare();
        File.Delete(path);
        File.WriteAllText(path + ".0123456789abcdef.tmp", "half");
        string foreign = Path.Combine(_model.Cache, "other-model.weights.77.tmp");
        File.WriteAllText(foreign, "another process writes this one");
        string stamp = Path.Combine(_model.Cache, "0123456789abcdef.stamp.tmp");
        File.WriteAllText(stamp, "another process writes this one, too");
        string left = Path.Combine(_model.Cache, "fedcba9876543210.stamp.tmp");
        File.WriteAllText(left, "half");
        File.SetLastWriteTimeUtc(left, LongAgo);

        Assert.Equal(path, Prepare());
        Assert.Equal([stamp, foreign], Directory.GetFiles(_model.Cache, "*.tmp").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("below a file")]
    [InlineData("too long a name")]
    public void A_cache_folder_that_cannot_be_is_a_sentence_that_names_it(string kind)
    {
        string file = _model.Beside("file");
        File.WriteAllText(file, "in the way");
        string folder = kind switch
        {
            "file" => file,
            "below a file" => Path.Combine(file, "cache"),
            _ => _model.Beside(new string('x', 5000)),
        };

        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => Prepare(cache: folder));
        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
        Assert.Contains("cache folder", error.Message, StringComparison.Ordinal);

        ToolRun run = ToolRun.Of("generate", "--model", _model.Folder, "--tokens", "1", "--cache-folder", folder);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(folder, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_the_place_of_the_file_is_a_sentence_that_names_it()
    {
        string path = Prepare();
        File.Delete(path);
        Directory.CreateDirectory(path);

        Assert.Contains(path, Assert.ThrowsAny<SpecDecodeException>(() => Prepare()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cache_folder_that_may_not_be_written_is_a_sentence_that_names_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Another system has no folder that refuses everyone.");
        const string Folder = "/proc/specdecode";

        Assert.Contains(Folder, Assert.ThrowsAny<SpecDecodeException>(() => Prepare(cache: Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sound_weights_are_opened_without_making_or_taking_the_lock()
    {
        string path = Prepare();
        File.Delete(path + ".lock");

        Assert.Equal(path, Prepare());
        Assert.False(File.Exists(path + ".lock"));
    }

    [Fact]
    public void A_default_folder_is_named_after_the_library() => Assert.Equal("specdecode", Path.GetFileName(CacheFolder.Default()));

    private static Progress Told(Action<LoadProgress> report) => new(report);

    private void AssertRebuilt(string path, byte[] sound, byte[] damaged, Action<string>? warn = null)
    {
        File.WriteAllBytes(path, damaged);
        Assert.Equal(path, Prepare(warn: warn));
        Assert.Equal(sound, File.ReadAllBytes(path));
        Assert.Empty(Directory.GetFiles(_model.Cache, "*.tmp"));
    }

    private void ChangeOneWeight() => _model.Replace("model.norm.weight", tensor =>
    {
        tensor.Bytes[10] ^= 1;
        return tensor;
    });

    private PreparedWeights Open(Checkpoint checkpoint) =>
        new WeightCache(_model.Cache).Open(
            checkpoint, ModelFamilies.Describe(checkpoint), WeightSettings.Float32, null, TestContext.Current.CancellationToken);

    private string Prepare(
        string? folder = null, string? cache = null, IProgress<LoadProgress>? progress = null, CancellationTokenSource? enough = null, Action<string>? warn = null)
    {
        using Checkpoint checkpoint = Checkpoint.Open(folder ?? _model.Folder);
        using PreparedWeights weights = new WeightCache(cache ?? _model.Cache, warn).Open(
            checkpoint, ModelFamilies.Describe(checkpoint), WeightSettings.Float32, progress,
            enough?.Token ?? TestContext.Current.CancellationToken);
        return weights.Path;
    }

    /// <summary>Reports at once and on the same thread.</summary>
    private sealed class Progress(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
