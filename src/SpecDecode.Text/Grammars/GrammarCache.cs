using System.Runtime.InteropServices;
using System.Security.Cryptography;
using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars;

/// <summary>
/// The grammars that were compiled last, by what they were compiled of. A grammar takes more memory the more of it is gone through, so what they take together is looked at
/// whenever one is asked for.
/// </summary>
/// <param name="maxEntries">The most grammars.</param>
/// <param name="maxBytes">The most bytes that all but the last one may take together, about.</param>
internal sealed class GrammarCache(int maxEntries, long maxBytes)
{
    // The longest source, in UTF-16 units.
    private const int MaxLength = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Kind, string Text), LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _order = new();

    /// <summary>The process's.</summary>
    public static GrammarCache Shared { get; } = new(maxEntries: 64, maxBytes: 256 << 20);

    /// <summary>How many bytes the grammars take together, about.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return _order.Sum(entry => entry.Bytes);
        }
    }

    /// <summary>The grammar of a source.</summary>
    /// <param name="kind">What the source is, with all else that the grammar depends on.</param>
    /// <param name="text">The source.</param>
    /// <param name="read">Reads it as rules.</param>
    /// <exception cref="GrammarException">It cannot be read or compiled.</exception>
    public Grammar Get(string kind, string text, Func<string, IReadOnlyList<Expression>> read)
    {
        if (text.Length > MaxLength)
            throw new GrammarException($"The grammar's source has {text.Length} characters, and at most {MaxLength} are read; make it smaller.");
        if (!IsWellFormed(text))
            throw new GrammarException("The grammar's source has half a surrogate pair in it; write that character whole, or as an escape.");
        var key = (kind, text);
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var found))
            {
                _order.Remove(found);
                _order.AddFirst(found);
                Trim();
                return found.Value.Grammar;
            }
        }
        var grammar = new Grammar(NetworkBuilder.Build(read(text)), $"{kind} {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan())))[..16]}");
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var other))
                return other.Value.Grammar;
            _entries.Add(key, _order.AddFirst(new Entry(key, grammar)));
            Trim();
            return grammar;
        }
    }

    // Leaves out what is too much, of those that were asked for longest ago; never the one that was asked for now.
    private void Trim()
    {
        int count = 1;
        long bytes = 0;
        for (var entry = _order.First!.Next; entry is not null;)
        {
            var next = entry.Next;
            long own = entry.Value.Bytes;
            if (count == maxEntries || bytes + own > maxBytes)
            {
                _entries.Remove(entry.Value.Key);
                _order.Remove(entry);
            }
            else
            {
                (count, bytes) = (count + 1, bytes + own);
            }
            entry = next;
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

    private sealed record Entry((string Kind, string Text) Key, Grammar Grammar)
    {
        public long Bytes => sizeof(char) * (long)Key.Text.Length + Grammar.Bytes;
    }
}
