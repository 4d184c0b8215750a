using System.Diagnostics;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// Fits the bridges of a calibration, behind every layer, the first layers first, as long as there is time. The text that they are fitted to is the texts that are
/// searched on, and more in turn for the same prompts at a temperature of 0.7 and for no more than their first tokens at 1: greedy texts say little that is new, and texts that
/// all begin alike say little of others.
/// </summary>
internal static class BridgeFitting
{
    // What rows behind all exits that are fitted at the same time may take together.
    private const long MostBytes = 1L << 30;

    // Rows for each channel of the residual. Of the prompts one in so many is kept apart with its texts; where there are fewer prompts, of the texts; of those, of the tokens.
    private const int RowsPerChannel = 100;
    private const int Fold = 6;
    private const int LeastPrompts = 3;
    private const int MostFirstTokens = 4;
    private const int MostHeadTokens = 8192;

    // Texts that are written side by side.
    private const int WrittenTogether = 16;

    // Of the time that the method has, so much for writing.
    private const double WritingShare = 0.4;

    private const int TimedRuns = 15;

    /// <summary>Fits bridges and puts them into the stages, in place of all that were there.</summary>
    /// <param name="setting">The model, its prompts and the options.</param>
    /// <param name="texts">The texts that are searched on: prompt and new tokens.</param>
    /// <param name="prompts">Their prompts' numbers.</param>
    /// <param name="limit">How long it may take. One fit is made in any case.</param>
    /// <param name="tell">Told that it is not standing still.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <param name="rowsPerChannel">Rows for each channel of the residual, of which text is written as long as there is time.</param>
    /// <param name="exits">Behind so many layers at most.</param>
    /// <returns>What there is now.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static FittedBridges Run(
        CalibrationSetting setting, IReadOnlyList<ReadOnlyMemory<int>> texts, IReadOnlyList<int> prompts, TimeSpan limit, Action tell, CancellationToken cancellationToken,
        int rowsPerChannel = RowsPerChannel, int exits = int.MaxValue)
    {
        IStages stages = setting.Stages;
        long start = Stopwatch.GetTimestamp();
        bool HasTime() => Stopwatch.GetElapsedTime(start) < limit;
        List<int[]> all = [.. texts.Select(text => text.ToArray())];
        List<int> promptOf = [.. all.Select(text => prompts.FirstOrDefault(prompt => text.AsSpan().StartsWith(setting.Prompts[prompt]), -1))];
        Write(setting, all, promptOf, prompts, (long)rowsPerChannel * stages.ResidualWidth, () => Stopwatch.GetElapsedTime(start) < limit * WritingShare, tell, cancellationToken);

        Dictionary<int, int> places = prompts.Index().ToDictionary(prompt => prompt.Item, prompt => prompt.Index);
        exits = Math.Clamp(stages.LayerCount - 1, 1, exits);
        for (int layer = 0; layer < stages.LayerCount; layer++)
        {
            stages.Bridges.Replace(layer, null);
        }

        HeadProbe head = HeadProbe.Read(stages, Tokens(all), cancellationToken);
        int together = (int)Math.Clamp(MostBytes / ((long)all.Sum(text => text.Length) * stages.ResidualWidth * sizeof(float)), 1, exits);
        List<int> without = [];
        for (int first = 0; first < exits && (first == 0 || HasTime()); first += together)
        {
            PairedRows rows = PairedRows.Read(stages, all, IsApart, first, Math.Min(together, exits - first), tell, cancellationToken);
            TimeSpan read = Stopwatch.GetElapsedTime(start);
            BridgeTarget target = new(head, rows.Ends, rows.EndsApart, stages.ResidualWidth);
            for (int i = 0; i < rows.Exits.Count && (first + i == 0 || HasTime()); i++)
            {
                int layer = first + i;
                LinearBridge? bridge = new BridgeFit(layer, target).Fit(
                    rows.Exits[i], rows.ExitsApart[i], setting.Options.BridgeRank, () => read + (limit - read) * (layer + 1) / exits - Stopwatch.GetElapsedTime(start), cancellationToken);
                stages.Bridges.Replace(layer, bridge);
                if (bridge is null)
                {
                    without.Add(layer);
                }

                tell();
            }
        }

        return new FittedBridges(Time(stages), without);

        bool IsApart(int text, int position)
        {
            int fold = Math.Min(Fold, prompts.Count);
            return fold >= LeastPrompts ? promptOf[text] >= 0 && places[promptOf[text]] % fold == fold - 1
                : (all.Count < Fold ? position : text) % Fold == Fold - 1;
        }
    }

    private static void Write(
        CalibrationSetting setting, List<int[]> texts, List<int> promptOf, IReadOnlyList<int> prompts, long wanted, Func<bool> hasTime, Action tell, CancellationToken cancellationToken)
    {
        long rows = texts.Sum(text => (long)text.Length);
        Dictionary<Sequence, int> numbers = [];
        TextWriting.WriteSideBySide(
            setting, WrittenTogether, Begin,
            text =>
            {
                texts.Add(text.Known.ToArray());
                promptOf.Add(numbers[text]);
                rows += text.Known.Length;
                tell();
            },
            () => rows < wanted && hasTime(), cancellationToken);

        Sequence Begin(int i)
        {
            int prompt = prompts[i / 2 % prompts.Count];
            ReadOnlySpan<int> tokens = setting.Prompts[prompt];
            bool isWhole = i % 2 == 0;
            ReadOnlySpan<int> begin = isWhole ? tokens : tokens[..Math.Min(tokens.Length, 1 + i / (2 * prompts.Count) % MostFirstTokens)];
            Sequence text = new(
                begin, setting.Capacity(prompt) - tokens.Length, setting.EndOfSequence, null, null,
                new Sampler(new SamplingOptions { Temperature = isWhole ? 0.7f : 1, Seed = setting.Options.Seed + i }));
            numbers.Add(text, prompt);
            return text;
        }
    }

    // Those that texts have most of: a token that hardly ever comes says nothing.
    private static int[] Tokens(IReadOnlyList<int[]> texts) =>
        [.. texts.SelectMany(text => text).CountBy(token => token).OrderByDescending(count => count.Value).ThenBy(count => count.Key).Take(MostHeadTokens).Select(count => count.Key)];

    // The median of some runs, after one that makes the stage; 0 where there is no bridge.
    private static double Time(IStages stages)
    {
        int layer = Enumerable.Range(0, stages.LayerCount).FirstOrDefault(layer => stages.Bridges[layer] is not null, -1);
        if (layer < 0)
        {
            return 0;
        }

        using SequencePasses passes = new(stages, [new ScoredSequence(new int[2], 1)]);
        passes.Next();
        Block bridge = new(BlockKind.Bridge, layer);
        List<double> times = [];
        for (int run = -1; run < TimedRuns; run++)
        {
            stages.Embed(passes.Batch);
            long before = Stopwatch.GetTimestamp();
            stages.Run(bridge, passes.Batch);
            if (run >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
            }
        }

        return times.Order().ElementAt(TimedRuns / 2);
    }
}

/// <summary>What fitting has come to.</summary>
/// <param name="Row">What a row through a bridge takes, in seconds; 0 where there is none.</param>
/// <param name="Without">Layers behind which no map was better than none.</param>
internal sealed record FittedBridges(double Row, IReadOnlyList<int> Without);
