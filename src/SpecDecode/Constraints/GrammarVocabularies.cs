using System.Runtime.CompilerServices;
using SpecDecode.Grammars;
using SpecDecode.Tokenizers;

namespace SpecDecode.Constraints;

/// <summary>The vocabularies of tokenizers as grammars need them, so that requests share what is known of a grammar. Thread-safe.</summary>
internal static class GrammarVocabularies
{
    // Requests may have stop tokens of their own; each set of them is another vocabulary.
    private const int MostOfTokenizer = 8;

    private static readonly ConditionalWeakTable<TextTokenizer, List<TokenVocabulary>> Known = [];

    /// <summary>The vocabulary of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="size">Number of token ids V.</param>
    /// <param name="ends">Ids that end the text.</param>
    /// <exception cref="GrammarException">What a token stands for depends on its neighbours.</exception>
    public static TokenVocabulary Of(TextTokenizer tokenizer, int size, IReadOnlySet<int> ends)
    {
        List<TokenVocabulary> list = Known.GetOrCreateValue(tokenizer);
        lock (list)
        {
            int index = list.FindIndex(known => known.Size == size && ends.SetEquals(known.EndTokens));
            TokenVocabulary vocabulary = index >= 0 ? list[index] : TokenVocabulary.Of(tokenizer, size, ends.Order());
            if (index >= 0)
            {
                list.RemoveAt(index);
            }
            else if (list.Count == MostOfTokenizer)
            {
                list.RemoveAt(0);
            }

            list.Add(vocabulary);
            return vocabulary;
        }
    }
}
