using SpecDecode.Sequences;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>A request that the model can serve.</summary>
/// <param name="Sequence">Its sequence, which has still to be admitted.</param>
/// <param name="DroppedMessages">How many of its messages are not in the prompt.</param>
internal readonly record struct AcceptedRequest(Sequence Sequence, int DroppedMessages)
{
    /// <summary>The result of the sequence, which has ended.</summary>
    public GenerationResult Result(TextTokenizer? tokenizer) => GenerationResult.Of(Sequence, tokenizer) with { DroppedMessages = DroppedMessages };
}
