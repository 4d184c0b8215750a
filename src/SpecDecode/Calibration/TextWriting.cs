using SpecDecode.Drafting;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Calibration;

/// <summary>Writes a prompt's text, alone, through the engine's own step.</summary>
internal static class TextWriting
{
    /// <summary>Writes a text.</summary>
    /// <param name="setting">The model and its prompts.</param>
    /// <param name="prompt">The prompt's number.</param>
    /// <param name="drafting">How it is drafted; null writes plainly.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="sampler">How its tokens are chosen; null for greedy.</param>
    /// <returns>The sequence; its cache is given back.</returns>
    /// <exception cref="SpecDecodeException">The model failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Sequence Write(CalibrationSetting setting, int prompt, DraftPlan? drafting, CancellationToken cancellationToken, Sampler? sampler = null)
    {
        int[] tokens = setting.Prompts[prompt];
        Scheduler scheduler = setting.Scheduler;
        Sequence sequence = new(tokens, setting.Capacity(prompt) - tokens.Length, setting.EndOfSequence, null, drafting, sampler);
        scheduler.Add(sequence);
        while (!scheduler.IsIdle)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                scheduler.EndAll(FinishReason.Cancelled);
                throw new OperationCanceledException(cancellationToken);
            }

            scheduler.Step();
        }

        return sequence.Error switch
        {
            null => sequence,
            SpecDecodeException error => throw error,
            var error => throw new SpecDecodeException($"The model failed at prompt {prompt + 1}: {error.Message.Trim()}", error),
        };
    }
}
