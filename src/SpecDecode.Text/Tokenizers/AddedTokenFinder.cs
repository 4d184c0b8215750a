using System.Text;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tokenizers;

/// <summary>Finds added tokens in a text: leftmost first, the longest among those that begin at the same place.</summary>
internal sealed class AddedTokenFinder
{
    // The trie: node << 16 | UTF-16 unit to the next node; the root is node 0.
    private readonly Dictionary<ulong, uint> _edges = [];
    private readonly Dictionary<uint, AddedToken> _ends = [];
    private readonly bool[] _begins = new bool[char.MaxValue + 1];
    private readonly uint _nodes;

    /// <summary>Creates the finder.</summary>
    /// <param name="patterns">The tokens, each with the text that stands for it.</param>
    public AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> patterns)
    {
        foreach (var (text, token) in patterns)
        {
            if (text.Length == 0)
                continue;
            _begins[text[0]] = true;
            uint node = 0;
            foreach (char c in text)
            {
                if (!_edges.TryGetValue((ulong)node << 16 | c, out uint next))
                    _edges.Add((ulong)node << 16 | c, next = ++_nodes);
                node = next;
            }
            _ends.TryAdd(node, token);
        }
    }

    /// <summary>Whether there is nothing to find.</summary>
    public bool IsEmpty => _nodes == 0;

    /// <summary>
    /// Calls back with every stretch of the text in order, plain text with a null token or an added token, as long as the answer
    /// is to go on.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="stretch">Takes a stretch.</param>
    /// <param name="allows">Whether a token is one from a place to another; null where all are.</param>
    /// <remarks>
    /// As in the reference implementation, a token is looked for behind the one before it and not behind the white space
    /// that this takes along; so a token of white space is found there too.
    /// </remarks>
    public void Split(string text, Func<int, int, AddedToken?, bool> stretch, Func<AddedToken, int, int, bool>? allows = null)
    {
        int done = 0;
        int spaceEnd = 0; // where the white space ends that was taken along last
        for (int at = 0; at < text.Length && _nodes > 0;)
        {
            if (!_begins[text[at]] || Match(text, at, allows, out int length) is not { } token)
            {
                at++;
                continue;
            }
            int start = at;
            int end = at += length;
            if (token.SingleWord && (EndsWithWord(text.AsSpan(0, start)) || BeginsWithWord(text.AsSpan(end))))
                continue;
            if (token.LeftStrip)
                start = start > done ? done + text.AsSpan(done, start - done).TrimEnd().Length : done;
            if (token.RightStrip)
                end = spaceEnd = end < spaceEnd ? spaceEnd : text.Length - text.AsSpan(end).TrimStart().Length;
            if (done < start && !stretch(done, start, null))
                return;
            if (start < end && !stretch(start, end, token))
                return;
            done = end;
        }
        if (done < text.Length)
            stretch(done, text.Length, null);
    }

    /// <summary>The longest token that the text begins with; null without one.</summary>
    public AddedToken? Match(ReadOnlySpan<char> text, out int length) => Match(text, 0, null, out length);

    /// <summary>Whether a token begins a text, and how long the shortest is.</summary>
    public bool BeginsAt(ReadOnlySpan<char> text, out int shortest)
    {
        uint node = 0;
        for (shortest = 1; shortest <= text.Length && _edges.TryGetValue((ulong)node << 16 | text[shortest - 1], out node); shortest++)
        {
            if (_ends.ContainsKey(node))
                return true;
        }
        return false;
    }

    /// <summary>Whether a text, which is not empty, is the beginning of a token, or a whole one.</summary>
    public bool GoesOnBehind(ReadOnlySpan<char> text)
    {
        if (!_begins[text[0]])
            return false;
        uint node = 0;
        foreach (char c in text)
        {
            if (!_edges.TryGetValue((ulong)node << 16 | c, out node))
                return false;
        }
        return true;
    }

    private AddedToken? Match(ReadOnlySpan<char> text, int start, Func<AddedToken, int, int, bool>? allows, out int length)
    {
        AddedToken? longest = null;
        length = 0;
        uint node = 0;
        for (int i = start; i < text.Length && _edges.TryGetValue((ulong)node << 16 | text[i], out node); i++)
        {
            if (_ends.TryGetValue(node, out var token) && (allows is null || allows(token, start, i + 1)))
                (longest, length) = (token, i + 1 - start);
        }
        return longest;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text)
    {
        return !text.IsEmpty && Rune.DecodeLastFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);
    }

    private static bool BeginsWithWord(ReadOnlySpan<char> text)
    {
        return !text.IsEmpty && Rune.DecodeFromUtf16(text, out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);
    }

    private static bool IsWord(Rune rune) => CodePointSet.UnicodeWord.Contains(rune.Value);
}
