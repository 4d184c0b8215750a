using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>Log probabilities of whole sequences, as many in a pass as its rows hold.</summary>
internal static class SequenceScoring
{
    /// <summary>Sums the log probability of each token of each sequence behind its context, given all those before it.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">The sequences; each no longer than the model allows.</param>
    /// <param name="progress">Told the share of tokens that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>The sum over all of them, natural logarithms, and how many tokens it is about.</returns>
    public static (double LogProbability, long Tokens) Run(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        LayerPlan plan = LayerPlan.Full(stages.LayerCount);
        RowBatch batch = new(stages.MaxRows);
        Scorer scorer = new(stages);
        List<Open> open = [];
        double sum = 0;
        long tokens = 0;
        double total = Math.Max(1, sequences.Sum(sequence => (long)sequence.Tokens.Length));
        long done = 0;
        int next = 0;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                batch.Clear();
                scorer.Clear();

                // What the last pass had no room for goes first; then new sequences while there is room.
                foreach (Open sequence in open)
                {
                    sequence.AddTo(batch, scorer);
                }

                for (; batch.Room > 0 && next < sequences.Count; next++)
                {
                    if (sequences[next].Tokens.Length > sequences[next].Context)
                    {
                        // The last token is only predicted, so it needs no row.
                        open.Add(new Open(sequences[next], new KvCache(stages.CreateKvStorage(sequences[next].Tokens.Length - 1))));
                        open[^1].AddTo(batch, scorer);
                    }
                }

                if (batch.Rows == 0)
                {
                    return (sum, tokens);
                }

                stages.Embed(batch);
                Pass.Run(stages, plan.Blocks.AsSpan(), batch);
                sum += scorer.Run();
                tokens += scorer.Count;
                done += batch.Rows;
                progress?.Report(Math.Min(1, done / total));
                foreach (Open finished in open.Where(sequence => sequence.IsDone))
                {
                    finished.Cache.Dispose();
                }

                open.RemoveAll(sequence => sequence.IsDone);
            }
        }
        finally
        {
            open.ForEach(sequence => sequence.Cache.Dispose());
        }
    }

    /// <summary>The natural logarithm of a token's probability, summed up in double precision.</summary>
    /// <param name="logits">One row of logits, <c>[V]</c>; overwritten.</param>
    /// <param name="token">The token.</param>
    /// <exception cref="SpecDecodeException">The logits give no probability.</exception>
    public static double LogProbability(Span<float> logits, int token)
    {
        float max = TensorPrimitives.Max<float>(logits);
        double shifted = (double)logits[token] - max;
        TensorPrimitives.Subtract(logits, max, logits);
        TensorPrimitives.Exp<float>(logits, logits);
        double sum = 0;
        foreach (float exponential in logits)
        {
            sum += exponential;
        }

        double result = shifted - Math.Log(sum);
        return double.IsFinite(result) ? result : throw LogitRow.NotFinite(token, float.NaN);
    }

    /// <summary>A sequence of which some tokens have been read.</summary>
    private sealed class Open(ScoredSequence sequence, KvCache cache)
    {
        private int _read;

        public KvCache Cache { get; } = cache;

        public bool IsDone => _read == sequence.Tokens.Length - 1;

        public void AddTo(RowBatch batch, Scorer scorer)
        {
            int rows = Math.Min(batch.Room, sequence.Tokens.Length - 1 - _read);
            if (rows == 0)
            {
                return;
            }

            int first = batch.Add(Cache, _read, sequence.Tokens.AsSpan(_read, rows));
            for (int i = Math.Max(0, sequence.Context - 1 - _read); i < rows; i++)
            {
                scorer.Add(first + i, sequence.Tokens[_read + i + 1]);
            }

            _read += rows;
        }
    }

    /// <summary>The rows of a pass that predict tokens, and those tokens.</summary>
    private sealed class Scorer(IStages stages)
    {
        private readonly List<int> _rows = [];
        private readonly List<int> _targets = [];

        public int Count => _rows.Count;

        public void Clear()
        {
            _rows.Clear();
            _targets.Clear();
        }

        public void Add(int row, int target)
        {
            _rows.Add(row);
            _targets.Add(target);
        }

        public double Run()
        {
            double sum = 0;
            for (int done = 0; done < _rows.Count;)
            {
                Span<int> rows = CollectionsMarshal.AsSpan(_rows).Slice(done, Math.Min(stages.MaxScoredRows, _rows.Count - done));
                Span<float> logits = stages.Head(rows);
                for (int i = 0; i < rows.Length; i++)
                {
                    sum += LogProbability(logits.Slice(i * stages.VocabularySize, stages.VocabularySize), _targets[done + i]);
                }

                done += rows.Length;
            }

            return sum;
        }
    }
}

/// <summary>A sequence to be scored.</summary>
/// <param name="Tokens">Its token ids.</param>
/// <param name="Context">How many of them, at least 1, are given and not predicted.</param>
internal sealed record ScoredSequence(int[] Tokens, int Context);
