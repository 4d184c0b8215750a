using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using SpecDecode.Grammars;

namespace SpecDecode.Constraints;

/// <summary>
/// The tokens of a vocabulary that go on behind the beginning of a call: with these one might be written that is held to nothing. Thread-safe; made once for
/// a vocabulary.
/// </summary>
internal sealed class CrossingTokens
{
    private static readonly ConditionalWeakTable<TokenVocabulary, ConcurrentDictionary<string, CrossingTokens>> Known = [];

    private CrossingTokens(TokenVocabulary vocabulary, byte[][] openers)
    {
        List<(byte[] Before, int[] Tokens)> behind = [];
        foreach (byte[] opener in openers)
        {
            Add([], [.. Tokens(vocabulary, bytes => bytes.IndexOf(opener) is >= 0 and var at && at + opener.Length < bytes.Length)]);
            for (int i = 1; i < opener.Length; i++)
            {
                Add(opener[..i], Continuing(vocabulary, opener.AsSpan(i)));
            }
        }

        Behind = [.. behind];
        Quoting = [.. Tokens(vocabulary, bytes => bytes.IndexOf((byte)'"') is >= 0 and var at && at + 1 < bytes.Length)];

        void Add(byte[] before, int[] tokens)
        {
            if (tokens.Length > 0)
            {
                behind.Add((before, tokens));
            }
        }
    }

    private delegate bool Test(ReadOnlySpan<byte> bytes);

    /// <summary>What a text ends with, and the tokens that complete it to an opener and go on.</summary>
    public (byte[] Before, int[] Tokens)[] Behind { get; }

    /// <summary>The tokens that go on behind a quotation mark, which ends the name of a call that no marker opens.</summary>
    public int[] Quoting { get; }

    /// <summary>Those of a vocabulary.</summary>
    public static CrossingTokens Of(TokenVocabulary vocabulary, IReadOnlyList<string> openers) => Known.GetOrCreateValue(vocabulary)
        .GetOrAdd(string.Join('\n', openers), _ => new CrossingTokens(vocabulary, [.. openers.Select(Encoding.UTF8.GetBytes)]));

    private static IEnumerable<int> Tokens(TokenVocabulary vocabulary, Test test) => Enumerable.Range(0, vocabulary.Size).Where(token => test(vocabulary.BytesOf(token)));

    private static int[] Continuing(TokenVocabulary vocabulary, ReadOnlySpan<byte> bytes)
    {
        int node = -1;
        foreach (byte value in bytes)
        {
            node = vocabulary.Trie.Child(node, value);
            if (node < 0)
            {
                return [];
            }
        }

        List<int> tokens = [];
        for (int longer = node + 1; longer < vocabulary.Trie.Nodes[node].End; longer++)
        {
            tokens.AddRange(vocabulary.Trie.TokensOf(longer));
        }

        return [.. tokens];
    }
}
