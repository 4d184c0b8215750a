using SpecDecode.Sequences;
using SpecDecode.Stops;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>A request that the model can serve.</summary>
/// <param name="Sequences">A sequence for each text, which has still to be admitted.</param>
/// <param name="DroppedMessages">How many of its messages are not in the prompt.</param>
/// <param name="Stop">At which strings its texts stop; null for none.</param>
/// <param name="Choices">How many of the texts are wanted.</param>
internal sealed record AcceptedRequest(Sequence[] Sequences, int DroppedMessages, StopRule? Stop, int Choices)
{
    /// <summary>The first of the sequences.</summary>
    public Sequence Sequence => Sequences[0];

    /// <summary>Whether the best of more texts than are wanted are chosen.</summary>
    public bool IsBestOf => Sequences.Length > Choices;

    /// <summary>What makes text of a sequence's new tokens.</summary>
    public StopText? Text(Sequence sequence, TextTokenizer? tokenizer) => tokenizer is null ? null : new StopText(tokenizer.CreateStream(sequence.Prompt), Stop);

    /// <summary>The result of one of the sequences, which has ended.</summary>
    public GenerationResult ResultOf(Sequence sequence, TextTokenizer? tokenizer) =>
        GenerationResult.Of(sequence, Text(sequence, tokenizer)) with { DroppedMessages = DroppedMessages, Choice = Array.IndexOf(Sequences, sequence) };

    /// <summary>The result of the request, whose sequences have ended.</summary>
    public GenerationResult Result(TextTokenizer? tokenizer)
    {
        if (Sequences.Length == 1)
        {
            return ResultOf(Sequences[0], tokenizer);
        }

        // What failed for one text failed for the request.
        if (Array.Find(Sequences, sequence => sequence.Error is not null) is { } failed)
        {
            return ResultOf(failed, tokenizer);
        }

        // Stable: of equal ones the first.
        IEnumerable<Sequence> ranked = IsBestOf
            ? Sequences.OrderBy(sequence => sequence.FinishReason is FinishReason.Stop or FinishReason.Length ? 0 : 1)
                .ThenByDescending(sequence => sequence.LogProbabilities!.Mean(sequence.NewTokens.Length))
            : Sequences;
        GenerationResult[] choices = [.. ranked.Take(Choices).Select(sequence => ResultOf(sequence, tokenizer))];
        return Choices == 1 ? choices[0] : choices[0] with { Choices = choices };
    }
}
