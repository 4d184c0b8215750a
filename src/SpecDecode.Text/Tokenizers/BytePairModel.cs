using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>Turns words into token ids by byte-pair encoding. Thread-safe; short words are cached.</summary>
internal sealed class BytePairModel : WordModel
{
    private const int MaxCachedWord = 64;
    private const int MaxCachedWords = 1 << 16;

    private readonly MergeTable _merges;
    private readonly BytePairMerger _merger;
    private readonly SymbolTable _symbols;
    private readonly Vocabulary? _wholeWords;
    private readonly IReadOnlySet<int> _notWords;
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _cacheBySpan;
    private int _cachedWords;

    /// <summary>Creates the model.</summary>
    /// <param name="symbols">What the characters of a word are before any merge.</param>
    /// <param name="merges">The merges.</param>
    /// <param name="wholeWords">Where a word that is a token is that token whatever the merges say; null for nowhere.</param>
    /// <param name="notWords">Ids that words must not turn into in that way; read when words are encoded.</param>
    public BytePairModel(SymbolTable symbols, MergeTable merges, Vocabulary? wholeWords, IReadOnlySet<int> notWords)
    {
        _symbols = symbols;
        _merges = merges;
        _merger = new BytePairMerger(merges);
        _wholeWords = wholeWords;
        _notWords = notWords;
        _cacheBySpan = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Reads the object <c>model</c>.</summary>
    /// <param name="node">The object.</param>
    /// <param name="vocabulary">The tokens of <c>model.vocab</c>, without added ones.</param>
    /// <param name="notWords">Ids that text must not turn into as whole words; read when words are encoded.</param>
    public static BytePairModel Read(JsonNode node, Vocabulary vocabulary, IReadOnlySet<int> notWords)
    {
        if (node.TryGet("dropout") is { } dropout && dropout.Real() != 0)
            throw dropout.Unsupported("is not 0: random merges have no place in generation");
        var symbols = SymbolTable.Read(node, vocabulary);
        var merges = MergeTable.Read(node.Get("merges"), vocabulary, node.TryGet("continuing_subword_prefix")?.Text() ?? "");
        return new(symbols, merges, node.Flag("ignore_merges", false) ? vocabulary : null, notWords);
    }

    /// <inheritdoc/>
    public override bool KnowsAll(bool isSpelled) => isSpelled ? _symbols.HasEveryLetter : _symbols.HasEveryByte;

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> word, TokenIds ids)
    {
        if (word.IsEmpty)
            return;
        if (_wholeWords is not null && _wholeWords.TryGetId(word, out int whole) && !_notWords.Contains(whole))
        {
            ids.Add(whole);
            return;
        }
        if (word.Length <= MaxCachedWord || _symbols.MarksPlaces)
        {
            EncodePart(word, ids);
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
            bool known = _symbols.Knows(rune);
            if (known && lastKnown && !_merges.CanJoin(last, rune))
            {
                EncodePart(word[start..i], ids);
                if (ids.Check())
                    return;
                start = i;
            }
            (last, lastKnown) = (rune, known);
            i += used;
        }
        EncodePart(word[start..], ids);
    }

    private void EncodePart(ReadOnlySpan<char> part, TokenIds ids)
    {
        if (part.Length > MaxCachedWord)
        {
            Merge(part, ids);
            return;
        }
        if (_cacheBySpan.TryGetValue(part, out var known))
        {
            ids.AddRange(known);
            return;
        }
        int first = ids.Count;
        Merge(part, ids);
        if (Volatile.Read(ref _cachedWords) < MaxCachedWords && _cache.TryAdd(part.ToString(), CollectionsMarshal.AsSpan(ids)[first..].ToArray()))
            Interlocked.Increment(ref _cachedWords);
    }

    private void Merge(ReadOnlySpan<char> word, TokenIds ids)
    {
        var symbols = ArrayPool<int>.Shared.Rent(SymbolTable.MaxPerUnit * word.Length);
        int count = _symbols.Spell(word, symbols);
        count = _merger.Merge(symbols.AsSpan(0, count));
        _symbols.Finish(symbols.AsSpan(0, count), ids);
        ArrayPool<int>.Shared.Return(symbols);
    }
}
