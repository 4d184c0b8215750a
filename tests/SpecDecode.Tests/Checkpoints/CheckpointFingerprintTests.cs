using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class CheckpointFingerprintTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CheckpointFingerprintTests()
    {
        _folder.Write("config.json", """{"a": 1}""");
        _folder.Write("one.safetensors", Tensor("a", 3 << 20));
        _folder.Write("two.safetensors", Tensor("b", 3 << 20));
        Index("one", "two");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Any_changed_byte_of_config_or_weights_changes_the_fingerprint()
    {
        ContentHash before = Fingerprint();
        var seen = new HashSet<ContentHash> { before };
        foreach (string name in (string[])["config.json", "one.safetensors", "two.safetensors"])
        {
            byte[] bytes = File.ReadAllBytes(_folder.File(name));
            foreach (int place in name == "config.json" ? (int[])[6] : [bytes.Length - 1, bytes.Length / 2, 200])
            {
                bytes[place] ^= 1;
                _folder.Write(name, bytes);
                Assert.True(seen.Add(Fingerprint()), $"byte {place} of {name}");
                bytes[place] ^= 1;
                _folder.Write(name, bytes);
                Assert.Equal(before, Fingerprint());
            }
        }
    }

    [Fact]
    public void A_renamed_shard_changes_the_fingerprint()
    {
        ContentHash before = Fingerprint();
        File.Move(_folder.File("two.safetensors"), _folder.File("zwei.safetensors"));
        Index("one", "zwei");

        Assert.NotEqual(before, Fingerprint());
    }

    [Fact]
    public void Swapped_shards_change_the_fingerprint()
    {
        ContentHash before = Fingerprint();
        File.Move(_folder.File("two.safetensors"), _folder.File("x"));
        File.Move(_folder.File("one.safetensors"), _folder.File("two.safetensors"));
        File.Move(_folder.File("x"), _folder.File("one.safetensors"));
        Index("two", "one");

        Assert.NotEqual(before, Fingerprint());
    }

    [Fact]
    public void The_time_alone_does_not_change_the_fingerprint()
    {
        ContentHash before = Fingerprint();
        File.SetLastWriteTimeUtc(_folder.File("two.safetensors"), new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));

        Assert.Equal(before, Fingerprint());
    }

    [Fact]
    public void The_folders_name_and_files_that_are_no_part_of_the_model_do_not_count()
    {
        ContentHash before = Fingerprint();
        _folder.Write("README.md", "x");
        _folder.Write("generation_config.json", "{}");
        _folder.Write("stray.safetensors", Tensor("c", 1));
        Assert.Equal(before, Fingerprint());

        using var other = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(_folder.Path))
            File.Copy(file, other.File(Path.GetFileName(file)));
        using var copy = Checkpoint.Open(other.Path);
        Assert.Equal(before, copy.Fingerprint(null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Hashing_allocates_no_more_than_its_buffer()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path);
        checkpoint.Fingerprint(null, TestContext.Current.CancellationToken);
        long before = GC.GetAllocatedBytesForCurrentThread();
        checkpoint.Fingerprint(null, TestContext.Current.CancellationToken);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (1 << 20) + 100_000);
    }

    [Fact]
    public void A_cancelled_token_ends_the_hashing()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Throws<OperationCanceledException>(() => checkpoint.Fingerprint(null, new CancellationToken(canceled: true)));
    }

    private static byte[] Tensor(string name, int length)
    {
        var bytes = new byte[length];
        new Random(name[0]).NextBytes(bytes);
        return new SafetensorsBuilder().Add(name, "U8", [length], bytes).Build();
    }

    private void Index(string shardOfA, string shardOfB) => _folder.Write("model.safetensors.index.json",
        $$$"""{"weight_map": {"a": "{{{shardOfA}}}.safetensors", "b": "{{{shardOfB}}}.safetensors"}}""");

    private ContentHash Fingerprint()
    {
        using var checkpoint = Checkpoint.Open(_folder.Path);
        return checkpoint.Fingerprint(null, TestContext.Current.CancellationToken);
    }
}
