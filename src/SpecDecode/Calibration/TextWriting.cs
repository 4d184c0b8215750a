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

    /// <summary>Writes texts, several at a time, until nobody wants more; those that are not finished then count as they are.</summary>
    /// <param name="setting">The model and its prompts.</param>
    /// <param name="together">How many at a time.</param>
    /// <param name="begin">Begins each text, from 0.</param>
    /// <param name="written">Given each text: the tokens that are known of it.</param>
    /// <param name="wantsMore">Whether there is to be more.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SpecDecodeException">The model failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void WriteSideBySide(
        CalibrationSetting setting, int together, Func<int, Sequence> begin, Action<Sequence> written, Func<bool> wantsMore, CancellationToken cancellationToken)
    {
        Scheduler scheduler = setting.Scheduler;
        List<Sequence> live = [];
        int count = 0;
        while (wantsMore() && !cancellationToken.IsCancellationRequested)
        {
            while (live.Count < together)
            {
                Sequence sequence = begin(count++);
                scheduler.Add(sequence);
                live.Add(sequence);
            }

            scheduler.Step();
            foreach (Sequence sequence in scheduler.Ended)
            {
                live.Remove(sequence);
                Take(sequence);
            }
        }

        scheduler.EndAll(FinishReason.Cancelled);
        cancellationToken.ThrowIfCancellationRequested();
        live.ForEach(Take);

        void Take(Sequence sequence)
        {
            if (sequence.Error is { } error)
            {
                scheduler.EndAll(FinishReason.Cancelled);
                throw error as SpecDecodeException ?? new SpecDecodeException($"The model failed while it wrote texts to fit bridges to: {error.Message.Trim()}", error);
            }

            if (!sequence.NewTokens.IsEmpty)
            {
                written(sequence);
            }
        }
    }
}
