using System.Buffers;
using System.Globalization;
using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers;

/// <summary>What the characters of a word are before any merge: tokens, fallback bytes, or the unknown token.</summary>
internal sealed class SymbolTable
{
    /// <summary>The most symbols for a UTF-16 unit: one from the vocabulary, or three bytes.</summary>
    public const int MaxPerUnit = 3;

    /// <summary>
    /// Where the ids of strays begin: characters that are no tokens but parts of some, so that merges can take them up. What
    /// is left of them behind the merges is unknown.
    /// </summary>
    public const int FirstStray = Vocabulary.MaxId + 1;

    // By place: within a word; its first character (1); its last (2); its only one (3). One table for all where nothing
    // marks places.
    private readonly Dictionary<int, int>[] _tables;
    private readonly List<Rune> _strays = [];
    private readonly int[]? _bytes;
    private readonly int? _unknown;
    private readonly bool _fuseUnknown;

    // The unknown token where it is named but the vocabulary does not have it; byte-level files have no use for it.
    private string? _missingUnknown;

    private SymbolTable(Dictionary<int, int>[] tables, int[]? bytes, int? unknown, bool fuseUnknown)
    {
        _tables = tables;
        _bytes = bytes;
        _unknown = unknown;
        _fuseUnknown = fuseUnknown;
    }

    /// <summary>Whether a character's symbol depends on its place in the word.</summary>
    public bool MarksPlaces => _tables[0] != _tables[3];

    /// <summary>Whether every byte is a token that characters without one of their own fall back to.</summary>
    public bool HasEveryByte => _bytes is not null && Array.TrueForAll(_bytes, id => id >= 0);

    /// <summary>Whether every letter of the <see cref="ByteAlphabet"/> is a token, wherever it stands in a word.</summary>
    public bool HasEveryLetter => Array.TrueForAll(_tables, table => Enumerable.Range(0, 256).All(
        value => table.TryGetValue(ByteAlphabet.LetterOf((byte)value), out int symbol) && symbol < FirstStray));

    /// <summary>Reads it out of the object <c>model</c>.</summary>
    public static SymbolTable Read(JsonNode node, Vocabulary vocabulary)
    {
        var prefix = node.TryGet("continuing_subword_prefix")?.Text() ?? "";
        var suffix = node.TryGet("end_of_word_suffix")?.Text() ?? "";
        bool marks = prefix.Length + suffix.Length > 0;
        var named = node.TryGet("unk_token")?.Text();
        int? unknown = named is not null && vocabulary.TryGetId(named, out int found) ? found : null;
        int[]? bytes = null;
        if (node.Flag("byte_fallback", false))
        {
            if (marks)
                throw node.Get("byte_fallback").Unsupported("is true where words are marked too, which is not supported");
            bytes = new int[256];
            for (int b = 0; b < 256; b++)
                bytes[b] = vocabulary.TryGetId(ByteName(b), out int id) ? id : -1;
        }

        var tables = new Dictionary<int, int>[4];
        for (int place = 0; place < tables.Length; place++)
        {
            tables[place] = place > 0 && !marks
                ? tables[0]
                : Characters(vocabulary, (place & 1) == 0 ? prefix : "", (place & 2) != 0 ? suffix : "");
        }
        return new(tables, bytes, unknown, node.Flag("fuse_unk", false)) { _missingUnknown = unknown is null ? named : null };
    }

    /// <summary>Creates a table in which unknown characters next to each other are one unknown token.</summary>
    /// <param name="characters">The tokens of one character.</param>
    /// <param name="bytes">The tokens of the 256 bytes; null without fallback.</param>
    /// <param name="unknown">The unknown token.</param>
    public static SymbolTable Create(Dictionary<int, int> characters, int[]? bytes, int unknown) =>
        new([characters, characters, characters, characters], bytes, unknown, fuseUnknown: true);

    /// <summary>How a file writes the token of a byte.</summary>
    public static string ByteName(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>The symbol of a character that may be a part of tokens: its own, or a stray's.</summary>
    public int SymbolOf(Rune character)
    {
        if (!_tables[0].TryGetValue(character.Value, out int symbol))
        {
            _tables[0].Add(character.Value, symbol = FirstStray + _strays.Count);
            _strays.Add(character);
        }
        return symbol;
    }

    /// <summary>Whether a character is a token.</summary>
    public bool Knows(Rune character) => _tables[0].TryGetValue(character.Value, out int symbol) && symbol < FirstStray;

    /// <summary>Writes the symbols of a word and returns their number.</summary>
    /// <param name="word">Well-formed UTF-16.</param>
    /// <param name="symbols">Room for <see cref="MaxPerUnit"/> for each unit.</param>
    /// <exception cref="SpecDecodeException">A character is unknown, and so is the token that the file names for that.</exception>
    // An unknown token that is held back for fusing goes out before the next known character or at the end, also behind
    // fallback bytes: the order of the reference implementation.
    public int Spell(ReadOnlySpan<char> word, Span<int> symbols)
    {
        int count = 0;
        bool pending = false;
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < word.Length;)
        {
            Rune.DecodeFromUtf16(word[i..], out var rune, out int used);
            int place = (i == 0 ? 1 : 0) | (i + used == word.Length ? 2 : 0);
            i += used;
            if (_tables[place].TryGetValue(rune.Value, out int id))
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
            else if (_missingUnknown is not null)
            {
                throw new SpecDecodeException(
                    $"The tokenizer has no token for the character U+{rune.Value:X4}, and its vocabulary lacks the one for unknown characters, '{CheckpointText.Shorten(_missingUnknown)}'. "
                    + "Download the tokenizer's file again from where the model comes from, or leave the character out.");
            }
        }
        if (pending)
            symbols[count++] = _unknown!.Value;
        return count;
    }

    /// <summary>Appends what the symbols are as tokens once nothing merges any more.</summary>
    public void Finish(ReadOnlySpan<int> symbols, TokenIds ids)
    {
        if (_strays.Count == 0)
        {
            ids.AddRange(symbols);
            return;
        }
        bool wasUnknown = false;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (int symbol in symbols)
        {
            bool isUnknown = symbol == _unknown || (symbol >= FirstStray && _bytes is null);
            if (symbol >= FirstStray && _bytes is not null)
            {
                foreach (byte b in utf8[.._strays[symbol - FirstStray].EncodeToUtf8(utf8)])
                    ids.Add(_bytes[b]);
            }
            else if (!isUnknown || !wasUnknown)
            {
                ids.Add(isUnknown ? _unknown!.Value : symbol);
            }
            wasUnknown = isUnknown;
        }
    }

    private static Dictionary<int, int> Characters(Vocabulary vocabulary, string prefix, string suffix)
    {
        var characters = new Dictionary<int, int>();
        foreach (var (text, id) in vocabulary.Entries)
        {
            if (text.Length <= prefix.Length + suffix.Length || !text.StartsWith(prefix, StringComparison.Ordinal)
                || !text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            var inner = text.AsSpan(prefix.Length, text.Length - prefix.Length - suffix.Length);
            if (Rune.DecodeFromUtf16(inner, out var rune, out int used) == OperationStatus.Done && used == inner.Length)
                characters.Add(rune.Value, id);
        }
        return characters;
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
