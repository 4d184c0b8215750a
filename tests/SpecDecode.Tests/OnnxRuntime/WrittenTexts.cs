using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>What stages write for some sequences, all of them in each step.</summary>
internal static class WrittenTexts
{
    /// <summary>Steps until all have ended.</summary>
    /// <param name="stages">The stages.</param>
    /// <param name="sequences">The sequences, with their caches; disposed.</param>
    /// <returns>The new tokens of each.</returns>
    public static int[][] Of(IStages stages, params Sequence[] sequences)
    {
        try
        {
            EngineStep step = new(stages);
            while (sequences.Any(sequence => sequence.FinishReason is null))
            {
                step.Run([.. sequences.Where(sequence => sequence.FinishReason is null)]);
            }

            return [.. sequences.Select(sequence => sequence.NewTokens.ToArray())];
        }
        finally
        {
            Array.ForEach(sequences, sequence => sequence.Dispose());
        }
    }
}
