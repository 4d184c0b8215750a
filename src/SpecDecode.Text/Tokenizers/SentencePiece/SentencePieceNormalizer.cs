using System.Text;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>SentencePiece's normalizer: applies the character map, treats white space, and puts a mark before the text.</summary>
internal sealed class SentencePieceNormalizer : TextNormalizer
{
    /// <summary>What a space is written as.</summary>
    public required string Mark { get; init; }

    /// <summary>Whether the text gets a mark before it.</summary>
    public required bool AddsPrefix { get; init; }

    /// <summary>Whether every stretch between added tokens gets one, or only the one that begins the text.</summary>
    public required bool PrefixesEveryStretch { get; init; }

    /// <summary>Whether spaces at both ends vanish and those within become one.</summary>
    public required bool RemovesExtraSpaces { get; init; }

    /// <summary>What characters become; null leaves them.</summary>
    public required PrecompiledCharsMap? Map { get; init; }

    /// <summary>Finds the pieces that pass as they are.</summary>
    public required AddedTokenFinder UserDefined { get; init; }

    /// <inheritdoc/>
    public override int? MostIntoOne => RemovesExtraSpaces || Map is not null ? null : 1;

    /// <inheritdoc/>
    public override string Apply(string text, ref bool atStart)
    {
        if (text.Length == 0)
            return text;
        bool prefixes = AddsPrefix && (atStart || PrefixesEveryStretch);
        if (!RemovesExtraSpaces && Map is null)
        {
            TextRewriting.Check(text.Length * (long)Mark.Length + Mark.Length);
            return (prefixes ? Mark : "") + text.Replace(" ", Mark, StringComparison.Ordinal);
        }

        var utf8 = Encoding.UTF8.GetBytes(text);
        var output = new StringBuilder(text.Length + 1);
        if (prefixes)
            output.Append(Mark);
        int kept = output.Length;
        bool wasSpace = RemovesExtraSpaces;
        for (int at = 0, place = 0; at < text.Length;)
        {
            int used = Step(text, at, utf8.AsSpan(place), out var chars, out int bytes);
            at += used;
            place += bytes;
            var part = wasSpace ? chars.AsSpan().TrimStart(' ') : chars;
            if (part.IsEmpty)
                continue;
            int start = output.Length;
            output.Append(part).Replace(" ", Mark, start, part.Length);
            wasSpace = RemovesExtraSpaces && part[^1] == ' ';
            TextRewriting.Check(output.Length);
        }
        if (!RemovesExtraSpaces)
            return output.ToString();

        // All white space: not even the prefix is left.
        var result = output.ToString();
        if (result.Length == kept)
            return "";
        int end = result.Length;
        while (result.AsSpan(0, end).EndsWith(Mark))
            end -= Mark.Length;
        return result[..end];
    }

    // What the text becomes at one place; returns how many UTF-16 units of it are read.
    private int Step(string text, int at, ReadOnlySpan<byte> utf8, out string becomes, out int bytes)
    {
        if (UserDefined.Match(text.AsSpan(at), out int units) is null)
        {
            if (Map is not null && Map.TryReplace(utf8, longest: true, out bytes, out var replacement))
            {
                becomes = Encoding.UTF8.GetString(replacement);
                return Encoding.UTF8.GetCharCount(utf8[..bytes]);
            }
            units = char.IsHighSurrogate(text[at]) ? 2 : 1;
        }
        becomes = text.Substring(at, units);
        bytes = Encoding.UTF8.GetByteCount(becomes);
        return units;
    }
}
