using System.Runtime.CompilerServices;
using SpecDecode.Grammars;
using SpecDecode.Replies;
using SpecDecode.Tokenizers;

namespace SpecDecode.Constraints;

/// <summary>The vocabularies of tokenizers as grammars need them, so that requests share what is known of a grammar. Thread-safe.</summary>
internal static class GrammarVocabularies
{
    // Requests may have stop tokens of their own; each set of them is another vocabulary.
    private const int MostOfTokenizer = 8;

    private static readonly ConditionalWeakTable<TextTokenizer, List<(TokenVocabulary Vocabulary, ReplyFormat? Format)>> Known = [];

    /// <summary>The vocabulary of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="size">Number of token ids V.</param>
    /// <param name="ends">Ids that end the text.</param>
    /// <param name="format">A format whose control tokens count as what they mark; null for none.</param>
    /// <exception cref="GrammarException">What a token stands for depends on its neighbours.</exception>
    public static TokenVocabulary Of(TextTokenizer tokenizer, int size, IReadOnlySet<int> ends, ReplyFormat? format = null)
    {
        format = format?.Marks.Count > 0 ? format : null;
        List<(TokenVocabulary Vocabulary, ReplyFormat? Format)> list = Known.GetOrCreateValue(tokenizer);
        lock (list)
        {
            int index = list.FindIndex(known => known.Vocabulary.Size == size && known.Format == format && ends.SetEquals(known.Vocabulary.EndTokens));
            TokenVocabulary vocabulary = index >= 0 ? list[index].Vocabulary
                : format is null ? TokenVocabulary.Of(tokenizer, size, ends.Order())
                : TokenVocabulary.Of(tokenizer, size, ends.Order(), format.Marks);
            if (index >= 0)
            {
                list.RemoveAt(index);
            }
            else if (list.Count == MostOfTokenizer)
            {
                list.RemoveAt(0);
            }

            list.Add((vocabulary, format));
            return vocabulary;
        }
    }
}
