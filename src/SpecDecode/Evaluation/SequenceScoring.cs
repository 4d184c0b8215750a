using System.Numerics.Tensors;
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
    /// <param name="plan">The blocks that run.</param>
    /// <param name="progress">Told the share of tokens that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <returns>The sum over all of them, natural logarithms, and how many tokens it is about.</returns>
    public static (double LogProbability, long Tokens) Run(
        IStages stages, IReadOnlyList<ScoredSequence> sequences, LayerPlan plan, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        double sum = 0;
        long tokens = 0;
        using SequencePasses passes = new(stages, sequences);
        while (passes.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            stages.Embed(passes.Batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), passes.Batch);
            for (int done = 0; done < passes.Rows.Length;)
            {
                ReadOnlySpan<int> rows = passes.Rows.Slice(done, Math.Min(stages.MaxScoredRows, passes.Rows.Length - done));
                Span<float> logits = stages.Head(rows);
                for (int i = 0; i < rows.Length; i++, done++)
                {
                    sum += LogProbability(logits.Slice(i * stages.VocabularySize, stages.VocabularySize), passes.Targets[done]);
                }
            }

            tokens += passes.Rows.Length;
            progress?.Report(passes.Share);
        }

        return (sum, tokens);
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
}

/// <summary>A sequence to be scored.</summary>
/// <param name="Tokens">Its token ids.</param>
/// <param name="Context">How many of them, at least 1, are given and not predicted.</param>
internal sealed record ScoredSequence(int[] Tokens, int Context);
