using System.Diagnostics;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// Fits the bridges of a calibration, behind every layer, the first layers first, as long as there is time. The text that they are fitted to is the texts that are
/// searched on, and more for the same prompts, drawn at a temperature of 0.7: greedy texts say little that is new.
/// </summary>
internal static class BridgeFitting
{
    // What rows behind all exits that are fitted at the same time may take together.
    private const long MostBytes = 1L << 30;

    // Rows for each channel of the residual, of which one in so many texts is kept apart.
    private const int RowsPerChannel = 40;
    private const int Fold = 12;
    private const int MostTexts = 4096;
    private const int MostHeadTokens = 2048;

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
    /// <returns>What a row through one takes, in seconds.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static double Run(
        CalibrationSetting setting, IReadOnlyList<ReadOnlyMemory<int>> texts, IReadOnlyList<int> prompts, TimeSpan limit, Action tell, CancellationToken cancellationToken,
        int rowsPerChannel = RowsPerChannel, int exits = int.MaxValue)
    {
        IStages stages = setting.Stages;
        long start = Stopwatch.GetTimestamp();
        bool HasTime() => Stopwatch.GetElapsedTime(start) < limit;
        List<int[]> all = [.. texts.Select(text => text.ToArray())];
        Write(setting, all, prompts, (long)rowsPerChannel * stages.ResidualWidth, () => Stopwatch.GetElapsedTime(start) < limit * WritingShare, tell, cancellationToken);

        exits = Math.Clamp(stages.LayerCount - 1, 1, exits);
        for (int layer = 0; layer < stages.LayerCount; layer++)
        {
            stages.Bridges.Replace(layer, null);
        }

        HeadProbe head = HeadProbe.Read(stages, Tokens(all), cancellationToken);
        int together = (int)Math.Clamp(MostBytes / ((long)all.Sum(text => text.Length) * stages.ResidualWidth * sizeof(float)), 1, exits);
        for (int first = 0; first < exits && (first == 0 || HasTime()); first += together)
        {
            PairedRows rows = PairedRows.Read(stages, all, Fold, first, Math.Min(together, exits - first), tell, cancellationToken);
            TimeSpan read = Stopwatch.GetElapsedTime(start);
            BridgeTarget target = new(head, rows.Ends, rows.EndsApart, stages.ResidualWidth);
            for (int i = 0; i < rows.Exits.Count && (first + i == 0 || HasTime()); i++)
            {
                BridgeFit fit = new(first + i, target);
                int next = first + i + 1;
                stages.Bridges.Replace(first + i, fit.Fit(
                    rows.Exits[i], rows.ExitsApart[i], setting.Options.BridgeRank, () => Stopwatch.GetElapsedTime(start) < read + (limit - read) * next / exits, cancellationToken));
                tell();
            }
        }

        return Time(stages);
    }

    private static void Write(
        CalibrationSetting setting, List<int[]> texts, IReadOnlyList<int> prompts, long wanted, Func<bool> hasTime, Action tell, CancellationToken cancellationToken)
    {
        long rows = texts.Sum(text => (long)text.Length);
        for (int i = 0; rows < wanted && i < MostTexts && hasTime(); i++)
        {
            int prompt = prompts[i % prompts.Count];
            Sampler sampler = new(new SamplingOptions { Temperature = 0.7f, Seed = setting.Options.Seed + i });
            int[] text = [.. setting.Prompts[prompt], .. TextWriting.Write(setting, prompt, null, cancellationToken, sampler).NewTokens];
            texts.Add(text);
            rows += text.Length;
            tell();
        }
    }

    // Those that texts have most of: a token that hardly ever comes says nothing.
    private static int[] Tokens(IReadOnlyList<int[]> texts) =>
        [.. texts.SelectMany(text => text).CountBy(token => token).OrderByDescending(count => count.Value).ThenBy(count => count.Key).Take(MostHeadTokens).Select(count => count.Key)];

    // A pass with the bridge less one without; the median of some, after one that makes the stage.
    private static double Time(IStages stages)
    {
        using SequencePasses passes = new(stages, [new ScoredSequence(new int[2], 1)]);
        passes.Next();
        Block bridge = new(BlockKind.Bridge, 0);
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
