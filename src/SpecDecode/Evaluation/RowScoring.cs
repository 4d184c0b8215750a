using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Stages;

namespace SpecDecode.Evaluation;

/// <summary>What rows of the residual predict, through final norm and head, as they are.</summary>
internal static class RowScoring
{
    /// <summary>What stands for the best token of a row from which none can be chosen.</summary>
    public const int NoToken = -1;

    /// <summary>Scores rows that may be of any plan: logits from which no token can be chosen are a result, not an error.</summary>
    /// <param name="stages">The model, with the residual.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="targets">A token for each of them.</param>
    /// <param name="best">Takes each row's best token, or <see cref="NoToken"/>.</param>
    /// <returns>The sum of the targets' log probabilities, natural logarithms; NaN where a row has none.</returns>
    public static double Run(IStages stages, ReadOnlySpan<int> rows, ReadOnlySpan<int> targets, Span<int> best)
    {
        double sum = 0;
        for (int done = 0; done < rows.Length;)
        {
            ReadOnlySpan<int> part = rows.Slice(done, Math.Min(stages.MaxScoredRows, rows.Length - done));
            Span<float> logits = stages.Head(part);
            for (int i = 0; i < part.Length; i++, done++)
            {
                Span<float> row = logits.Slice(i * stages.VocabularySize, stages.VocabularySize);
                LogitRow looked = new(row);
                best[done] = looked.CanChoose ? looked.Best : NoToken;
                sum += looked.CanChoose ? SequenceScoring.LogProbability(row, targets[done]) : double.NaN;
            }
        }

        return sum;
    }

    /// <summary>The mean log probability of the tokens of sequences under any plan, natural logarithms; NaN where some token has none.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="sequences">The sequences; each no longer than the model allows, and one of them at least with a token to predict.</param>
    /// <param name="plan">The blocks that run.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    public static double Mean(IStages stages, IReadOnlyList<ScoredSequence> sequences, LayerPlan plan, CancellationToken cancellationToken)
    {
        int[] best = new int[stages.MaxRows];
        double sum = 0;
        long tokens = 0;
        using SequencePasses passes = new(stages, sequences);
        while (passes.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            stages.Embed(passes.Batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), passes.Batch);
            sum += Run(stages, passes.Rows, passes.Targets, best);
            tokens += passes.Rows.Length;
        }

        return sum / tokens;
    }
}
