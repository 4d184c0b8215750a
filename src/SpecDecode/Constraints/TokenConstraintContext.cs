using SpecDecode.Tokenizers;

namespace SpecDecode.Constraints;

/// <summary>What a constraint begins with.</summary>
/// <param name="Prompt">The tokens of the prompt.</param>
/// <param name="VocabularySize">Number of token ids V.</param>
/// <param name="EndOfText">Ids that end the text: the model's end-of-sequence tokens, unless the request ignores them, and its stop tokens.</param>
/// <param name="Tokenizer">The model's tokenizer; null where it has none that can be used.</param>
public sealed record TokenConstraintContext(ReadOnlyMemory<int> Prompt, int VocabularySize, IReadOnlySet<int> EndOfText, TextTokenizer? Tokenizer);
