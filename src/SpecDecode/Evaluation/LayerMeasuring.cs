using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>
/// How much layers matter for texts. One reading through the full model gives Block Influence and every exit; one more for each block, without
/// it, gives the agreement that is left. Whatever is left out is so from the first token on, so keys and values are those of the smaller model.
/// </summary>
internal static class LayerMeasuring
{
    /// <summary>Measures all layers.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">The texts; each no longer than the model allows.</param>
    /// <param name="byteShares">For each block of the full plan its share of the bytes of all weights.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="SpecDecodeException">No token is predicted, or the full model's logits are not finite.</exception>
    public static LayerReport Run(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, IReadOnlyList<double> byteShares, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        Block[] blocks = [.. LayerPlan.Full(stages.LayerCount).Blocks];

        // As many readings as there are blocks, and the one of the full model.
        double readings = blocks.Length + 1;
        FullReading full = FullReading.Run(stages, sequences, share => progress?.Report(share / readings), cancellationToken);
        double[] agreements = new double[blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            LayerPlan plan = LayerPlan.Of(stages.LayerCount, blocks.Where(block => block != blocks[i]));
            agreements[i] = Agreement(stages, sequences, plan, full.Best, share => progress?.Report((i + 1 + share) / readings), cancellationToken);
        }

        double[] timeShares = BlockTiming.Shares(stages, cancellationToken);
        BlockFigures Figures(int i) => new()
        {
            BlockInfluence = full.Influence.Of(blocks[i]), AgreementWithout = agreements[i], TimeShare = timeShares[i], ByteShare = byteShares[i],
        };
        return new LayerReport
        {
            Perplexity = full.ExitPerplexity(stages.LayerCount - 1), Tokens = full.Best.Count, Positions = full.Influence.Rows,
            Layers =
            [
                .. Enumerable.Range(0, stages.LayerCount).Select(layer => new LayerFigures
                {
                    Layer = layer, Attention = Figures(2 * layer), Mlp = Figures(2 * layer + 1), BlockInfluence = full.Influence.Of(layer),
                    ExitAgreement = full.ExitAgreement(layer), ExitPerplexity = full.ExitPerplexity(layer),
                }),
            ],
        };
    }

    private static double Agreement(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, LayerPlan plan, IReadOnlyList<int> expected, Action<double> progress,
        CancellationToken cancellationToken)
    {
        int[] best = new int[stages.MaxRows];
        int done = 0;
        int agreed = 0;
        using SequencePasses passes = new(stages, sequences);
        while (passes.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            stages.Embed(passes.Batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), passes.Batch);
            RowScoring.Run(stages, passes.Rows, passes.Targets, best);
            for (int i = 0; i < passes.Rows.Length; i++)
            {
                agreed += best[i] == expected[done++] ? 1 : 0;
            }

            progress(passes.Share);
        }

        return (double)agreed / done;
    }

    /// <summary>What a reading through the full model gives.</summary>
    private sealed class FullReading
    {
        private readonly double[] _logProbabilities;
        private readonly long[] _agreed;
        private readonly List<int> _best = [];

        private FullReading(IStages stages)
        {
            Influence = new LayerInfluence(stages);
            _logProbabilities = new double[stages.LayerCount];
            _agreed = new long[stages.LayerCount];
        }

        public LayerInfluence Influence { get; }

        /// <summary>The full model's best token at each position that predicts one.</summary>
        public IReadOnlyList<int> Best => _best;

        public double ExitPerplexity(int layer) => Math.Exp(-_logProbabilities[layer] / _best.Count);

        public double ExitAgreement(int layer) => (double)_agreed[layer] / _best.Count;

        public static FullReading Run(IStages stages, IReadOnlyList<ScoredSequence> sequences, Action<double> progress, CancellationToken cancellationToken)
        {
            FullReading reading = new(stages);
            int[][] best = [.. Enumerable.Range(0, stages.LayerCount).Select(_ => new int[stages.MaxRows])];
            using SequencePasses passes = new(stages, sequences);
            while (passes.Next())
            {
                cancellationToken.ThrowIfCancellationRequested();
                stages.Embed(passes.Batch);
                reading.Influence.Run(
                    passes.Batch, layer => reading._logProbabilities[layer] += RowScoring.Run(stages, passes.Rows, passes.Targets, best[layer]));
                reading.Note(best, passes.Rows.Length);
                progress(passes.Share);
            }

            return reading._best.Count > 0 ? reading
                : throw new SpecDecodeException("There is no token to predict: give a text of at least one token, or two where the tokenizer adds no BOS.");
        }

        private void Note(int[][] best, int rows)
        {
            foreach (int token in best[^1].AsSpan(0, rows))
            {
                _best.Add(token != RowScoring.NoToken ? token : throw LogitRow.NotFinite(0, float.NaN));
            }

            for (int layer = 0; layer < best.Length; layer++)
            {
                for (int row = 0; row < rows; row++)
                {
                    _agreed[layer] += best[layer][row] == best[^1][row] ? 1 : 0;
                }
            }
        }
    }
}
