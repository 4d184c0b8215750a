using System.Runtime.Versioning;
using SpecDecode.Checkpoints;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Weights;

/// <summary>A checkpoint is read in full once, and again when the system says something else of its files.</summary>
public sealed class CheckpointStampTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    public CheckpointStampTests() => File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_checkpoint_that_is_known_is_not_read()
    {
        StampedLoad first = Load();
        Assert.True(first.HasRead);
        StampedLoad second = Load();
        Assert.Equal(first.Path, second.Path);
        Assert.Empty(second.Phases);
    }

    [Fact]
    public void Damage_behind_an_unchanged_stamp_is_noticed_when_it_is_asked_for()
    {
        StampedLoad sound = Load();
        StampedLoad.DamageUnseen(_model.Weights);
        StampedLoad unnoticed = Load();
        Assert.Equal(sound.Path, unnoticed.Path);
        Assert.Empty(unnoticed.Phases);
        Assert.Empty(unnoticed.Warnings);

        StampedLoad noticed = Load(verifies: true);
        Assert.NotEqual(sound.Path, noticed.Path);
        Assert.StartsWith($"{_model.Folder}: its weights are not those that were read before", Assert.Single(noticed.Warnings), StringComparison.Ordinal);

        // From then on they are what they are.
        StampedLoad after = Load();
        Assert.Equal(noticed.Path, after.Path);
        Assert.Empty(after.Phases);
        Assert.Empty(Load(verifies: true).Warnings);
    }

    [Fact]
    public void Nothing_is_made_of_a_checkpoint_that_is_only_remembered()
    {
        string path = Load().Path;
        StampedLoad.DamageUnseen(_model.Weights);
        File.Delete(path);
        StampedLoad load = Load();
        Assert.NotEqual(path, load.Path);
        Assert.Contains("they are damaged, or were changed and dated back", Assert.Single(load.Warnings), StringComparison.Ordinal);
        Assert.False(File.Exists(path));

        // In another precision, too.
        string other = Load(precision: Precision.Int8).Path;
        StampedLoad.DamageUnseen(_model.Weights);
        File.Delete(other);
        Assert.NotEqual(other, Load(precision: Precision.Int8).Path);
    }

    [Fact]
    public void Another_precision_is_made_from_a_checkpoint_that_was_read_for_it()
    {
        Load();
        StampedLoad quantised = Load(precision: Precision.Int8);
        Assert.Equal([LoadPhase.CheckingWeights, LoadPhase.PreparingWeights], quantised.Phases.Distinct());
        Assert.Empty(Load(precision: Precision.Int8).Phases);
        Assert.Empty(Load().Phases);
    }

    [Theory]
    [InlineData("touched", true)]
    [InlineData("replaced", true)]
    [InlineData("another name and back", true)]
    [InlineData("changed", false)]
    [InlineData("changed and dated back by another file", false)]
    [InlineData("longer", false)]
    public void A_file_of_which_the_system_says_something_else_is_read_again(string how, bool isSame)
    {
        StampedLoad before = Load();
        switch (how)
        {
            case "touched":
                File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo.AddTicks(10));
                break;
            case "replaced":
                StampedLoad.Replace(_model.Weights);
                break;
            case "another name and back":
                File.Move(_model.Weights, _model.Beside("away"));
                File.Copy(_model.Beside("away"), _model.Weights);
                break;
            case "changed":
                StampedLoad.DamageUnseen(_model.Weights);
                File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo.AddTicks(10));
                break;
            case "changed and dated back by another file":
                StampedLoad.Replace(_model.Weights);
                StampedLoad.DamageUnseen(_model.Weights);
                break;
            default:
                // The same tensors, with more room before them.
                byte[] bytes = File.ReadAllBytes(_model.Weights);
                int header = (int)BitConverter.ToInt64(bytes);
                File.WriteAllBytes(_model.Weights, [.. BitConverter.GetBytes(header + 8L), .. bytes[8..(8 + header)], .. "        "u8, .. bytes[(8 + header)..]]);
                File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo);
                break;
        }

        StampedLoad after = Load();
        Assert.True(after.HasRead);
        Assert.Equal(isSame, before.Path == after.Path);
        Assert.Empty(after.Warnings);
        StampedLoad known = Load();
        Assert.Equal(after.Path, known.Path);
        Assert.Empty(known.Phases);
    }

    [Fact]
    public void A_file_cut_short_is_refused_as_ever()
    {
        Load();
        using (FileStream stream = new(_model.Weights, FileMode.Open, FileAccess.Write))
        {
            stream.SetLength(stream.Length - 1);
        }

        File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo);
        Assert.Throws<CheckpointException>(() => Load());
    }

    [Fact]
    public void The_config_is_read_each_time_whatever_the_system_says_of_it()
    {
        string before = Load().Path;
        string config = _model.FileOf("config.json");
        DateTime time = File.GetLastWriteTimeUtc(config);
        byte[] bytes = File.ReadAllBytes(config);
        int place = bytes.AsSpan().IndexOf("\n"u8);
        using (FileStream stream = new(config, FileMode.Open, FileAccess.Write))
        {
            stream.Position = place;
            stream.WriteByte((byte)' ');
        }

        File.SetLastWriteTimeUtc(config, time);
        Assert.NotEqual(before, Load().Path);
    }

    [Fact]
    public void A_copy_is_read_once_and_shares_the_prepared_weights()
    {
        StampedLoad original = Load();
        string copy = _model.Beside("copy");
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(_model.Folder))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        File.SetLastWriteTimeUtc(Path.Combine(copy, "model.safetensors"), StampedLoad.LongAgo);
        StampedLoad first = StampedLoad.Of(copy, _model.Cache);
        Assert.Equal(original.Path, first.Path);
        Assert.True(first.HasRead);
        Assert.Empty(StampedLoad.Of(copy, _model.Cache).Phases);
        Assert.Empty(Load().Phases);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(1000, false)]
    [InlineData(-10, true)]
    public void What_was_written_just_now_or_will_be_is_read_at_each_load(int secondsFromNow, bool isRemembered)
    {
        File.SetLastWriteTimeUtc(_model.Weights, DateTime.UtcNow.AddSeconds(secondsFromNow));
        Load();
        Assert.Equal(isRemembered, !Load().HasRead);
    }

    [Fact]
    public void Each_shard_counts()
    {
        using FixtureCheckpoint sharded = new("llama_rope3_sharded");
        string[] shards = Directory.GetFiles(sharded.Folder, "*.safetensors");
        Assert.True(shards.Length > 1);
        foreach (string shard in shards)
        {
            File.SetLastWriteTimeUtc(shard, StampedLoad.LongAgo);
        }

        string path = StampedLoad.Of(sharded.Folder, sharded.Cache).Path;
        Assert.Empty(StampedLoad.Of(sharded.Folder, sharded.Cache).Phases);
        foreach (string shard in shards)
        {
            File.SetLastWriteTimeUtc(shard, StampedLoad.LongAgo.AddSeconds(1));
            Assert.True(StampedLoad.Of(sharded.Folder, sharded.Cache).HasRead);
            Assert.Empty(StampedLoad.Of(sharded.Folder, sharded.Cache).Phases);
        }

        // One that was written just now is enough.
        File.SetLastWriteTimeUtc(shards[1], DateTime.UtcNow);
        Assert.True(StampedLoad.Of(sharded.Folder, sharded.Cache).HasRead);
        Assert.True(StampedLoad.Of(sharded.Folder, sharded.Cache).HasRead);
        Assert.Equal(path, StampedLoad.Of(sharded.Folder, sharded.Cache).Path);
    }

    [Fact]
    public void Of_a_link_what_it_points_to_counts()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a right of their own on Windows.");
        string blob = _model.Beside("blob");
        string otherBlob = _model.Beside("other blob");
        File.Move(_model.Weights, blob);
        File.CreateSymbolicLink(_model.Weights, blob);
        File.Copy(blob, otherBlob);
        StampedLoad.DamageUnseen(otherBlob);
        StampedLoad first = Load();
        Assert.Empty(Load().Phases);

        // The link itself stays as it is.
        File.SetLastWriteTimeUtc(blob, StampedLoad.LongAgo.AddSeconds(1));
        Assert.True(Load().HasRead);
        Assert.Empty(Load().Phases);
        File.Delete(_model.Weights);
        File.CreateSymbolicLink(_model.Weights, otherBlob);
        Assert.NotEqual(first.Path, Load().Path);
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("file")]
    [InlineData("owner")]
    [UnsupportedOSPlatform("windows")]
    public void What_others_may_have_remembered_is_not_believed(string what)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the library does not look at who may write.");
        Assert.SkipUnless(OperatingSystem.IsLinux() || what == "file", "Elsewhere owners are not looked at, and such a folder is refused.");
        Assert.SkipUnless(what != "owner" || Environment.UserName == "root", "Only root can give files away, to see it.");
        Load();
        string stamp = Stamp();
        if (what == "folder")
        {
            File.SetUnixFileMode(_model.Cache, (UnixFileMode)0b111_111_111);
        }
        else if (what == "file")
        {
            File.SetUnixFileMode(stamp, File.GetUnixFileMode(stamp) | UnixFileMode.GroupWrite);
        }
        else
        {
            using System.Diagnostics.Process process = System.Diagnostics.Process.Start("chown", ["12345", stamp]);
            process.WaitForExit();
        }

        Assert.True(Load().HasRead);
        Assert.Empty(Load().Phases);
        string trusted = Assert.Single(Directory.GetFiles(_model.Cache, "checkpoint-*.stamp", SearchOption.AllDirectories), file => what != "folder" || file != stamp);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(trusted));
    }

    [Fact]
    public void A_load_does_without_what_cannot_be_remembered()
    {
        Load();
        string stamp = Stamp();
        File.Delete(stamp);
        Directory.CreateDirectory(stamp);
        Assert.True(Load().HasRead);
        Assert.True(Load().HasRead);
        Assert.Empty(Directory.GetFiles(_model.Cache, "*.tmp"));
    }

    [Fact]
    public async Task Threads_that_load_at_once_agree()
    {
        StampedLoad[] loads = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Load(), TestContext.Current.CancellationToken)));
        Assert.Single(loads.Select(load => load.Path).Distinct());
        Assert.All(loads, load => Assert.Empty(load.Warnings));
        Assert.Empty(Load().Phases);
        Assert.Empty(Directory.GetFiles(_model.Cache, "*.tmp"));
        Stamp();
    }

    private string Stamp() => Assert.Single(Directory.GetFiles(_model.Cache, "checkpoint-*.stamp"));

    private StampedLoad Load(bool verifies = false, Precision? precision = null) => StampedLoad.Of(_model.Folder, _model.Cache, verifies, precision);
}
