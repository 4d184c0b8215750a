using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// The model section of a tokenizer of kind BPE: turns words into token ids. Thread-safe; short words are cached.
/// </summary>
internal sealed class BytePairModel
{
    private const int MaxCachedWord = 64;
    private const int MaxCachedWords = 1 << 16;

    private readonly Vocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly BytePairMerger _merger;
    private readonly Dictionary<int, int> _characters = [];
    private readonly int[]? _bytes;
    private readonly int? _unknown;
    private readonly bool _fuseUnknown;
    private readonly bool _ignoreMerges;
    private readonly IReadOnlySet<int> _special;
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _cacheBySpan;
    private int _cachedWords;

    /// <summary>Reads the section.</summary>
    /// <param name="node">The object <c>model</c>.</param>
    /// <param name="vocabulary">The tokens of <c>model.vocab</c>.</param>
    /// <param name="special">Ids that text must not turn into as whole words.</param>
    public BytePairModel(JsonNode node, Vocabulary vocabulary, IReadOnlySet<int> special)
    {
        _vocabulary = vocabulary;
        _special = special;
        if (node.TryGet("dropout") is { } dropout && dropout.Real() != 0)
            throw dropout.Unsupported("is not 0: random merges have no place in generation");
        foreach (var key in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (node.TryGet(key) is { } affix && affix.Text().Length > 0)
                throw affix.Unsupported("is not empty, and marks inside words are not supported");
        }

        _fuseUnknown = node.Flag("fuse_unk", false);
        _ignoreMerges = node.Flag("ignore_merges", false);
        if (node.TryGet("unk_token") is { } unknown)
        {
            if (!vocabulary.TryGetId(unknown.Text(), out int id))
                throw unknown.Error($"is '{unknown.Text()}', which is not in the vocabulary");
            _unknown = id;
        }
        _merges = MergeTable.Read(node.Get("merges"), vocabulary);
        _merger = new BytePairMerger(_merges);
        foreach (var (text, id) in vocabulary.Entries)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out int used) == OperationStatus.Done && used == text.Length)
                _characters.Add(rune.Value, id);
        }
        if (node.Flag("byte_fallback", false))
        {
            _bytes = new int[256];
            for (int b = 0; b < 256; b++)
                _bytes[b] = vocabulary.TryGetId(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), out int id) ? id : -1;
        }
        _cacheBySpan = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Appends the ids of one word.</summary>
    /// <param name="word">Well-formed UTF-16.</param>
    /// <param name="ids">Receives the ids.</param>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.IsEmpty)
            return;
        if (_ignoreMerges && _vocabulary.TryGetId(word, out int whole) && !_special.Contains(whole))
        {
            ids.Add(whole);
            return;
        }
        if (word.Length <= MaxCachedWord)
        {
            EncodeCached(word, ids);
            return;
        }

        // Where no merge joins the two characters of a seam, the parts merge independently: cutting there is exact.
        // Next to an unknown character no cut is made, for unknowns may fuse.
        int start = 0;
        Rune last = default;
        bool lastKnown = false;
        for (int i = 0; i < word.Length;)
        {
            Rune.DecodeFromUtf16(word[i..], out var rune, out int used);
            bool known = _characters.ContainsKey(rune.Value);
            if (known && lastKnown && !_merges.CanJoin(last, rune))
            {
                EncodePart(word[start..i], ids);
                start = i;
            }
            (last, lastKnown) = (rune, known);
            i += used;
        }
        EncodePart(word[start..], ids);
    }

    private void EncodePart(ReadOnlySpan<char> part, List<int> ids)
    {
        if (part.Length <= MaxCachedWord)
            EncodeCached(part, ids);
        else
            Merge(part, ids);
    }

    private void EncodeCached(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_cacheBySpan.TryGetValue(word, out var known))
        {
            ids.AddRange(known);
            return;
        }
        int first = ids.Count;
        Merge(word, ids);
        if (Volatile.Read(ref _cachedWords) < MaxCachedWords
            && _cache.TryAdd(word.ToString(), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[first..].ToArray()))
            Interlocked.Increment(ref _cachedWords);
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        // A character takes at most one symbol per UTF-16 unit from the vocabulary and at most three from its bytes.
        var symbols = ArrayPool<int>.Shared.Rent(3 * word.Length);
        int count = Spell(word, symbols);
        count = _merger.Merge(symbols.AsSpan(0, count));
        ids.AddRange(symbols.AsSpan(0, count));
        ArrayPool<int>.Shared.Return(symbols);
    }

    // An unknown token that is held back for fusing goes out before the next known character or at the end, also behind
    // fallback bytes: the order of the reference implementation.
    private int Spell(ReadOnlySpan<char> word, Span<int> symbols)
    {
        int count = 0;
        bool pending = false;
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < word.Length;)
        {
            Rune.DecodeFromUtf16(word[i..], out var rune, out int used);
            i += used;
            if (_characters.TryGetValue(rune.Value, out int id))
            {
                if (pending)
                    symbols[count++] = _unknown!.Value;
                pending = false;
                symbols[count++] = id;
            }
            else if (_bytes is not null && TryFallBack(utf8[..rune.EncodeToUtf8(utf8)], symbols[count..]))
            {
                count += rune.Utf8SequenceLength;
            }
            else if (_unknown is { } unknown)
            {
                if (pending && !_fuseUnknown)
                    symbols[count++] = unknown;
                pending = true;
            }
        }
        if (pending)
            symbols[count++] = _unknown!.Value;
        return count;
    }

    private bool TryFallBack(ReadOnlySpan<byte> utf8, Span<int> symbols)
    {
        for (int i = 0; i < utf8.Length; i++)
        {
            if ((symbols[i] = _bytes![utf8[i]]) < 0)
                return false;
        }
        return true;
    }
}
