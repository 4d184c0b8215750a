using System.Runtime.CompilerServices;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Generation;

/// <summary>The story model of the samples, loaded once for all tests that need it.</summary>
public sealed class TalesModels : IDisposable
{
    /// <summary>Longest sequence of <see cref="Narrow"/>.</summary>
    public const int NarrowLength = 96;

    private readonly TemporaryFolder _cache = new();

    public TalesModels()
    {
        Wide = Load(new RuntimeOptions());
        Narrow = Load(new RuntimeOptions { MaxRowsPerPass = 5, MaxSequenceLength = NarrowLength });
    }

    /// <summary>The model with default options.</summary>
    public TextModel Wide { get; }

    /// <summary>The model with five rows in a pass and short sequences.</summary>
    public TextModel Narrow { get; }

    public TextModel Load(RuntimeOptions runtime) => PlainModel.Load(
        Path.Combine(RepositoryRoot(), "samples", "models", "tales-10m"), new ModelOptions { CacheFolder = _cache.Path }, runtime);

    /// <summary>
    /// Two greedy continuations are the same, or part where the full model's logits nearly tie: rows that are computed with
    /// others round in another order.
    /// </summary>
    public void AssertSameUpToNearTies(IReadOnlyList<int> prompt, IReadOnlyList<int> expected, IReadOnlyList<int> actual)
    {
        int same = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        if (same == expected.Count && same == actual.Count)
        {
            return;
        }

        Assert.True(same < expected.Count && same < actual.Count, $"One continuation ends after {same} tokens, the other does not.");
        IReadOnlyList<float> logits = Wide.Evaluate([.. prompt, .. expected.Take(same)]).LastLogits;
        TestContext.Current.SendDiagnosticMessage(System.FormattableString.Invariant(
            $"parted at token {same} by a margin of {Math.Abs(logits[expected[same]] - logits[actual[same]]):e2}"));
        Assert.InRange(logits.Max() - logits[expected[same]], 0, 1e-3f);
        Assert.InRange(logits.Max() - logits[actual[same]], 0, 1e-3f);
    }

    public void Dispose()
    {
        Wide.Dispose();
        Narrow.Dispose();
        _cache.Dispose();
    }

    private static string RepositoryRoot([CallerFilePath] string source = "")
    {
        DirectoryInfo? folder = new FileInfo(source).Directory;
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SpecDecode.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"There is no SpecDecode.sln above {source}.");
    }
}

/// <summary>Tests that share the models; they run one after the other, as a model answers one call at a time.</summary>
[CollectionDefinition(nameof(TalesModels))]
public sealed class TalesModelsDefinition : ICollectionFixture<TalesModels>;
