using System.Diagnostics;
using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>
/// Fits the bridges of a calibration: behind every layer where memory allows, else behind the first ones, since late exits cost what the model costs. The text that
/// they are fitted to is the texts that are searched on, and more for the same prompts, drawn at temperature 1: a greedy text says little that is new.
/// </summary>
internal static class BridgeFitting
{
    // What sums of all bridges may take together.
    private const long MostBytes = 1L << 31;

    // Rows for each channel of the residual, and what is kept apart of them.
    private const int RowsPerChannel = 16;
    private const int Fold = 6;
    private const int MostRowsApart = 1024;
    private const int MostTexts = 4096;

    // Of the time that the method has, so much for writing.
    private const double WritingShare = 0.4;

    private const int TimedRuns = 15;

    /// <summary>Fits bridges and puts them into the stages.</summary>
    /// <param name="setting">The model, its prompts and the options.</param>
    /// <param name="texts">The texts that are searched on: prompt and new tokens.</param>
    /// <param name="prompts">Their prompts' numbers.</param>
    /// <param name="limit">How long it may take. One fit is made in any case.</param>
    /// <param name="tell">Told that it is not standing still.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>What a row through one takes, in seconds.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static double Run(
        CalibrationSetting setting, IReadOnlyList<ReadOnlyMemory<int>> texts, IReadOnlyList<int> prompts, TimeSpan limit, Action tell, CancellationToken cancellationToken)
    {
        IStages stages = setting.Stages;
        long start = Stopwatch.GetTimestamp();
        List<int[]> all = [.. texts.Select(text => text.ToArray())];
        Write(setting, all, prompts, () => Stopwatch.GetElapsedTime(start) < limit * WritingShare, tell, cancellationToken);

        int width = stages.ResidualWidth;
        int exits = (int)Math.Clamp(MostBytes / NormalEquations.BytesOf(width), 1, Math.Max(1, stages.LayerCount - 1));
        BridgeFit[] fits = [.. Enumerable.Range(0, exits).Select(layer => new BridgeFit(layer, width))];
        Read(stages, all, fits, tell, cancellationToken);
        for (int layer = 0; layer < exits && (layer == 0 || Stopwatch.GetElapsedTime(start) < limit); layer++)
        {
            stages.Bridges.Replace(layer, fits[layer].Choose(setting.Options.BridgeRank, cancellationToken));
            tell();
        }

        return Time(stages);
    }

    private static void Write(
        CalibrationSetting setting, List<int[]> texts, IReadOnlyList<int> prompts, Func<bool> hasTime, Action tell, CancellationToken cancellationToken)
    {
        long wanted = (long)RowsPerChannel * setting.Stages.ResidualWidth;
        long rows = texts.Sum(text => (long)text.Length);
        for (int i = 0; rows < wanted && i < MostTexts && hasTime(); i++)
        {
            int prompt = prompts[i % prompts.Count];
            Sampler sampler = new(new SamplingOptions { Temperature = 1, Seed = setting.Options.Seed + i });
            int[] text = [.. setting.Prompts[prompt], .. TextWriting.Write(setting, prompt, null, cancellationToken, sampler).NewTokens];
            texts.Add(text);
            rows += text.Length;
            tell();
        }
    }

    private static void Read(IStages stages, IReadOnlyList<int[]> texts, BridgeFit[] fits, Action tell, CancellationToken cancellationToken)
    {
        int width = stages.ResidualWidth;
        float[][] behind = [.. fits.Select(_ => Array.Empty<float>())];
        float[] last = new float[width];
        int apart = 0;

        // One text at a time, so that those which are kept apart are so as wholes.
        for (int i = 0; i < texts.Count; i++)
        {
            using SequencePasses passes = new(stages, [new ScoredSequence(texts[i], 1)]);
            while (passes.Next())
            {
                cancellationToken.ThrowIfCancellationRequested();
                RowBatch batch = passes.Batch;
                stages.Embed(batch);
                for (int layer = 0; layer < stages.LayerCount; layer++)
                {
                    stages.Run(new Block(BlockKind.Attention, layer), batch);
                    stages.Run(new Block(BlockKind.Mlp, layer), batch);
                    if (layer < fits.Length)
                    {
                        Keep(stages, batch.Rows, ref behind[layer]);
                    }
                }

                for (int row = 0; row < batch.Rows; row++)
                {
                    stages.ReadResidual(row, last);
                    bool isApart = (texts.Count < Fold ? row % Fold == Fold - 1 : i % Fold == Fold - 1) && apart < MostRowsApart;
                    apart += isApart ? 1 : 0;
                    for (int layer = 0; layer < fits.Length; layer++)
                    {
                        fits[layer].Add(behind[layer].AsSpan(row * width, width), last, isApart);
                    }
                }

                tell();
            }
        }
    }

    private static void Keep(IStages stages, int rows, ref float[] residual)
    {
        int width = stages.ResidualWidth;
        if (residual.Length < rows * width)
        {
            residual = new float[rows * width];
        }

        for (int row = 0; row < rows; row++)
        {
            stages.ReadResidual(row, residual.AsSpan(row * width, width));
        }
    }

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
