using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars;

/// <summary>The grammars that were compiled last, by what they were compiled of.</summary>
internal static class GrammarCache
{
    private const int MaxEntries = 64;

    // The longest source, in UTF-16 units.
    private const int MaxLength = 1 << 20;

    private static readonly Lock Lock = new();
    private static readonly Dictionary<(string Kind, string Text), LinkedListNode<Entry>> Entries = [];
    private static readonly LinkedList<Entry> Order = new();

    /// <summary>The grammar of a source.</summary>
    /// <param name="kind">What the source is, with all else that the grammar depends on.</param>
    /// <param name="text">The source.</param>
    /// <param name="read">Reads it as rules.</param>
    /// <exception cref="GrammarException">It cannot be read or compiled.</exception>
    public static Grammar Get(string kind, string text, Func<string, IReadOnlyList<Expression>> read)
    {
        if (text.Length > MaxLength)
            throw new GrammarException($"The grammar's source has {text.Length} characters, and at most {MaxLength} are read; make it smaller.");
        if (!IsWellFormed(text))
            throw new GrammarException("The grammar's source has half a surrogate pair in it; write that character whole, or as an escape.");
        var key = (kind, text);
        lock (Lock)
        {
            if (Entries.TryGetValue(key, out var found))
            {
                Order.Remove(found);
                Order.AddFirst(found);
                return found.Value.Grammar;
            }
        }
        var grammar = new Grammar(NetworkBuilder.Build(read(text)), $"{kind} {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan())))[..16]}");
        lock (Lock)
        {
            if (Entries.TryGetValue(key, out var other))
                return other.Value.Grammar;
            Entries.Add(key, Order.AddFirst(new Entry(key, grammar)));
            if (Order.Count > MaxEntries)
            {
                Entries.Remove(Order.Last!.Value.Key);
                Order.RemoveLast();
            }
            return grammar;
        }
    }

    private static bool IsWellFormed(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[++i])))
                return false;
        }
        return true;
    }

    private sealed record Entry((string Kind, string Text) Key, Grammar Grammar);
}
