using SpecDecode.Models;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Models;

/// <summary>However loading ends before its time, and wherever, what it has taken is given back: sessions, buffers, files and mappings.</summary>
[Collection(Alone.Name)]
public sealed class LoadFailureTests : IDisposable
{
    private readonly FixtureCheckpoint _checkpoint = new("mistral");

    public void Dispose() => _checkpoint.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_load_that_ends_at_any_of_its_reports_leaves_nothing_behind(bool isCancelled)
    {
        Held before = Held.Now(_checkpoint);
        int reports = CountReports(ends: int.MaxValue, isCancelled, out _);
        int ended = 0;
        for (int last = 1; last <= reports + 1; last++)
        {
            if (last % 4 == 1)
            {
                // From the checkpoint again, and not from what was prepared.
                Directory.Delete(_checkpoint.Cache, recursive: true);
            }

            CountReports(last, isCancelled, out Exception? error);
            ended += error is null ? 0 : 1;
            Assert.True(
                error is null || (isCancelled ? error is OperationCanceledException : error.Message == "This listener fails."), error?.ToString());
            Assert.Equal(before, Held.Now(_checkpoint));
        }

        Assert.InRange(ended, reports / 2, reports + 1);
    }

    [Fact]
    public void A_load_whose_warnings_nobody_takes_leaves_nothing_behind()
    {
        // There is no tokenizer, which is warned of while the weights are being prepared.
        Held before = Held.Now(_checkpoint);
        Assert.Throws<InvalidDataException>(() => ModelLoader.Load(
            _checkpoint.Folder, new ModelOptions { CacheFolder = _checkpoint.Cache }, new RuntimeOptions(),
            warn: _ => throw new InvalidDataException(), progress: null, TestContext.Current.CancellationToken));
        Assert.Equal(before, Held.Now(_checkpoint));
    }

    [Fact]
    public void A_load_with_a_broken_tokenizer_leaves_nothing_behind()
    {
        _checkpoint.Write("tokenizer.json", "{");
        Held before = Held.Now(_checkpoint);
        Assert.ThrowsAny<SpecDecodeException>(() => Load(progress: null, TestContext.Current.CancellationToken));
        Assert.Equal(before, Held.Now(_checkpoint));
    }

    // Loads with a drafter of its own; the report at which it ends counts from 1.
    private int CountReports(int ends, bool isCancelled, out Exception? error)
    {
        using CancellationTokenSource cancellation = new();
        int reports = 0;
        Listener listener = new(() =>
        {
            if (Interlocked.Increment(ref reports) == ends)
            {
                if (!isCancelled)
                {
                    throw new InvalidOperationException("This listener fails.");
                }

                cancellation.Cancel();
            }
        });
        try
        {
            Load(listener, cancellation.Token).Dispose();
            error = null;
        }
        catch (Exception thrown)
        {
            error = thrown;
        }

        return reports;
    }

    private LoadedModel Load(IProgress<LoadProgress>? progress, CancellationToken cancellationToken) => ModelLoader.Load(
        _checkpoint.Folder, new ModelOptions { CacheFolder = _checkpoint.Cache, DraftPrecision = Precision.Int8 }, new RuntimeOptions(),
        warn: _ => { }, progress, cancellationToken);

    private sealed class Listener(Action onReport) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => onReport();
    }

    /// <summary>What the process holds of models.</summary>
    private sealed record Held(int Sessions, long BufferBytes, int Files, int Mappings)
    {
        public static Held Now(FixtureCheckpoint checkpoint)
        {
            // What earlier tests have dropped without disposing of it is none of this one's.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return new Held(StageSession.LiveCount, StageBuffer.LiveBytes, OpenFiles(checkpoint), MappingsOf(checkpoint));
        }

        private static int OpenFiles(FixtureCheckpoint checkpoint) => OperatingSystem.IsLinux()
            ? new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Count(file => IsOf(checkpoint, file.LinkTarget ?? ""))
            : 0;

        private static int MappingsOf(FixtureCheckpoint checkpoint) => OperatingSystem.IsLinux()
            ? File.ReadLines("/proc/self/maps").Count(line => IsOf(checkpoint, line))
            : 0;

        private static bool IsOf(FixtureCheckpoint checkpoint, string text) =>
            text.Contains(checkpoint.Folder, StringComparison.Ordinal) || text.Contains(checkpoint.Cache, StringComparison.Ordinal);
    }
}
