using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool.Bench;

/// <summary>Where a drafted output first differs from the plain one.</summary>
/// <param name="Prompt">The prompt's number, from 0.</param>
/// <param name="Position">The new token's number, from 0.</param>
/// <param name="Margin">How near the plain choice was to another one (<see cref="TextModel.MeasureChoiceMargin(GenerationRequest, IReadOnlyList{int}, CancellationToken)"/>).</param>
internal sealed record FirstDifference(int Prompt, int Position, double Margin);

/// <summary>How a comparison is run.</summary>
/// <param name="Repeat">Repetitions of both sides.</param>
/// <param name="Concurrency">Prompts that are answered at the same time.</param>
internal readonly record struct BenchSettings(int Repeat, int Concurrency)
{
    // Where several are answered at a time, so many times as many take part in a turn that others wait and take the places of those that end.
    private const int Waves = 4;

    /// <summary>Prompts that a side answers before it is another's turn; turns are of nearly equal size.</summary>
    /// <param name="prompts">All prompts.</param>
    public int PromptsOfATurn(int prompts)
    {
        int turns = Concurrency == 1 ? prompts : Math.Max(1, prompts / (Waves * Concurrency));
        return (prompts + turns - 1) / turns;
    }
}

/// <summary>A way to draft beside plain decoding, run in turn, and what both runs say.</summary>
internal sealed class BenchComparison
{
    private readonly List<BenchRun> _plain;
    private readonly List<BenchRun> _speculative = [];

    // Several ways that are compared share the plain runs.
    private BenchComparison(List<BenchRun> plain) => _plain = plain;

    /// <summary>The repetition whose plain speed is the median.</summary>
    public BenchRun Plain => Median(_plain);

    /// <summary>The repetition whose speculative speed is the median.</summary>
    public BenchRun Speculative => Median(_speculative);

    /// <summary>Speculative over plain tokens per second of each repetition, smallest first.</summary>
    public double[] Ratios => [.. _plain.Zip(_speculative, (plain, speculative) => speculative.TokensPerSecond / plain.TokensPerSecond).Order()];

    /// <summary>Median of <see cref="Ratios"/>.</summary>
    public double Speedup => Ratios is var ratios && ratios.Length % 2 == 1
        ? ratios[ratios.Length / 2]
        : (ratios[ratios.Length / 2 - 1] + ratios[ratios.Length / 2]) / 2;

    /// <summary>Tokens that a round gives, also where there was no draft; 1 without a round.</summary>
    public double MeanAcceptanceLength => Sum(rounds => rounds.Rounds) is var rounds and > 0 ? Sum(rounds => rounds.OutputTokens) / rounds : 1;

    /// <summary>Accepted over drafted tokens; null when nothing was drafted.</summary>
    public double? AcceptanceRate => Sum(rounds => rounds.Drafted) is var drafted and > 0 ? Sum(rounds => rounds.Accepted) / drafted : null;

    /// <summary>Of the speculative runs, rounds by why they had their draft or none, the most frequent first.</summary>
    public IReadOnlyList<(DraftReason Reason, long Rounds)> Decisions =>
    [
        .. _speculative.SelectMany(run => run.Rounds).SelectMany(rounds => rounds.Reasons).GroupBy(pair => pair.Key, pair => pair.Value)
            .Select(group => (group.Key, group.Sum())).OrderByDescending(pair => pair.Item2).ThenBy(pair => pair.Key),
    ];

    /// <summary>Draft tokens of the speculative runs that cost no pass of the drafter.</summary>
    public long LookedUp => (long)Sum(rounds => rounds.LookedUp);

    /// <summary>Draft tokens of the speculative runs.</summary>
    public long Drafted => (long)Sum(rounds => rounds.Drafted);

    /// <summary>Guesses of a cascade that were judged, in the speculative runs.</summary>
    public long Guessed => (long)Sum(rounds => rounds.Guessed);

    /// <summary>Those of them that saved a pass.</summary>
    public long GuessesTaken => (long)Sum(rounds => rounds.GuessesTaken);

    /// <summary>Share of the speculative runs' decode time that was not inside the runtime.</summary>
    public double OutsideRuntimeShare => 1 - Share(run => run.RuntimeTime);

    /// <summary>Share of the speculative runs' decode time that drafting took.</summary>
    public double DraftShare => Share(run => run.DraftTime);

    /// <summary>Share of the speculative runs' decode time that verifying took.</summary>
    public double VerifyShare => Share(run => run.VerifyTime);

    /// <summary>Share of the speculative runs' output that was among the tokens that drafts choose from.</summary>
    public double CoveredShare => 1 - (double)_speculative.Sum(run => run.UncoveredTokens) / _speculative.Sum(run => run.Tokens);

    /// <summary>Managed bytes for each new token of the speculative runs.</summary>
    public double ManagedBytesPerToken => (double)_speculative.Sum(run => run.ManagedBytes) / _speculative.Sum(run => run.Tokens);

    /// <summary>
    /// Whether plain and speculative outputs are to be the same: always, but for rejection sampling, where only their
    /// distribution is.
    /// </summary>
    public bool IsComparable { get; private init; }

    /// <summary>Whether the second side drafted: where it did not, both are plain.</summary>
    public bool IsDrafted { get; private init; }

    /// <summary>The first difference between plain and speculative outputs; null when there is none, or it says nothing.</summary>
    public FirstDifference? Difference { get; private set; }

    /// <summary>
    /// Runs plain decoding and each way to draft in turn, prompt by prompt (or four times as many as are answered together), so that
    /// whatever else the machine does meets all of them. Each turn begins with the next of them: none is always behind the same
    /// one. Before that a short turn of each to warm up.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="request">What is asked for each, but for prompt and drafting.</param>
    /// <param name="settings">How often, and how many prompts at the same time.</param>
    /// <param name="drafts">How the speculative sides draft, one or more; one that drafts nothing is plain too.</param>
    /// <param name="show">Told how far it is, after each group of prompts.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A comparison for each of <paramref name="drafts"/>.</returns>
    public static IReadOnlyList<BenchComparison> Run(
        TextModel model, IReadOnlyList<string> prompts, GenerationRequest request, BenchSettings settings, IReadOnlyList<DraftingOptions> drafts,
        Action<Func<string>> show, CancellationToken cancellationToken)
    {
        SamplingOptions sampling = request.Sampling ?? SamplingOptions.Greedy;
        List<BenchRun> plain = [];
        BenchComparison[] comparisons =
        [
            .. drafts.Select(draft => new BenchComparison(plain)
            {
                IsComparable = sampling.EffectiveAcceptance != AcceptanceRule.Rejection, IsDrafted = draft != DraftingOptions.None,
            }),
        ];
        (List<BenchRun> Runs, GenerationRequest Request)[] sides =
            [(plain, request with { Drafting = DraftingOptions.None }), .. comparisons.Zip(drafts, (comparison, draft) => (comparison._speculative, request with { Drafting = draft }))];

        string[] few = [.. prompts.Take(settings.Concurrency)];
        int shortly = Math.Min(request.MaxTokens ?? GenerationDefaults.DefaultMaxTokens, 16);
        foreach ((_, GenerationRequest side) in sides)
        {
            new BenchRun(few.Length).Add(model, few, side with { MaxTokens = shortly }, cancellationToken);
        }

        int turn = 0;
        for (int repetition = 1; repetition <= settings.Repeat; repetition++)
        {
            foreach ((List<BenchRun> runs, _) in sides)
            {
                runs.Add(new BenchRun(few.Length));
            }

            foreach (string[] group in prompts.Chunk(settings.PromptsOfATurn(prompts.Count)))
            {
                for (int i = 0; i < sides.Length; i++)
                {
                    (List<BenchRun> runs, GenerationRequest side) = sides[(turn + i) % sides.Length];
                    runs[^1].Add(model, group, side, cancellationToken);
                }

                turn++;
                (int now, int done) = (repetition, plain[^1].Outputs.Count);
                show(() => FormattableString.Invariant($"repetition {now} of {settings.Repeat}, {done} of {prompts.Count} prompts"));
            }

            foreach (BenchComparison comparison in comparisons.Where(comparison => comparison.IsComparable))
            {
                comparison.Difference ??= FindDifference(model, prompts, sampling, plain[^1], comparison._speculative[^1], cancellationToken);
            }
        }

        return settings.Concurrency > 1 && Array.Exists(sides, side => side.Runs.TrueForAll(run => run.Tokens == 0))
            ? throw new SpecDecodeException($"No step wrote {few.Length} texts at a time without reading a prompt, so there is nothing to compare: give more tokens with --max-tokens, more prompts, or a smaller --concurrency.")
            : comparisons;
    }

    /// <summary>The process's largest resident memory so far; null where the operating system does not tell .NET, as on macOS.</summary>
    public static double? PeakResidentMegabytes()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 is > 0 and long bytes ? bytes / 1e6 : null;
    }

    private static FirstDifference? FindDifference(
        TextModel model, IReadOnlyList<string> prompts, SamplingOptions sampling, BenchRun plain, BenchRun speculative,
        CancellationToken cancellationToken)
    {
        for (int prompt = 0; prompt < prompts.Count; prompt++)
        {
            (IReadOnlyList<int> expected, IReadOnlyList<int> actual) = (plain.Outputs[prompt], speculative.Outputs[prompt]);
            for (int i = 0; i < Math.Min(expected.Count, actual.Count); i++)
            {
                if (expected[i] != actual[i])
                {
                    return new FirstDifference(prompt, i, model.MeasureChoiceMargin(
                        model.Tokenizer!.Encode(prompts[prompt]), [.. expected.Take(i)], sampling, cancellationToken));
                }
            }
        }

        return null;
    }

    private static BenchRun Median(List<BenchRun> runs) => runs.OrderBy(run => run.TokensPerSecond).ElementAt(runs.Count / 2);

    private double Share(Func<BenchRun, TimeSpan> part) =>
        _speculative.Sum(run => part(run).TotalSeconds) / _speculative.Sum(run => run.DecodeTime.TotalSeconds);

    private double Sum(Func<DraftingStatistics, long> count) => _speculative.Sum(run => run.Rounds.Sum(count));
}
