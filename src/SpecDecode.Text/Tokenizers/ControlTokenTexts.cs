using System.Buffers;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>The texts of control tokens: where they stand in what others wrote, and where such a text may begin or end.</summary>
internal sealed class ControlTokenTexts
{
    private readonly AddedTokenFinder _forward;
    private readonly AddedTokenFinder _backward;
    private readonly SearchValues<char> _beginnings;
    private readonly int _longest;

    /// <summary>Creates the texts of tokens.</summary>
    public ControlTokenTexts(IReadOnlyCollection<AddedToken> tokens)
    {
        _forward = new(tokens.Select(token => (token.Content, token)));
        _backward = new(tokens.Select(token => (string.Concat(token.Content.Reverse()), token)));
        _beginnings = SearchValues.Create([.. tokens.Select(token => token.Content[0])]);
        _longest = tokens.Count == 0 ? 0 : tokens.Max(token => token.Content.Length);
    }

    /// <summary>The first of them in a text; null without one.</summary>
    public string? FindIn(string text)
    {
        for (int at = 0; (at = Next(text, at)) < text.Length; at++)
        {
            if (_forward.Match(text.AsSpan(at), out int length) is not null)
                return text.Substring(at, length);
        }
        return null;
    }

    /// <summary>A text with a mark before each of them.</summary>
    public string MarkEach(string text, char mark)
    {
        StringBuilder? output = null;
        int done = 0;
        for (int at = 0; (at = Next(text, at)) < text.Length;)
        {
            if (_forward.Match(text.AsSpan(at), out int length) is null)
            {
                at++;
                continue;
            }
            output ??= new StringBuilder(text.Length + 16);
            output.Append(text, done, at - done).Append(mark);
            done = at;
            at += length;
        }
        return output?.Append(text, done, text.Length - done).ToString() ?? text;
    }

    /// <summary>
    /// A text with a mark inside each of them, and at its ends where one of them may reach over, so that neither this text nor what
    /// is written next to it makes one.
    /// </summary>
    public string BreakEach(string text, char mark)
    {
        if (text.Length == 0)
            return text;
        List<int>? places = null;
        AddEnds(text, ref places);
        for (int at = 0; (at = Next(text, at)) < text.Length; at++)
        {
            if (!_forward.BeginsAt(text.AsSpan(at), out int shortest))
                continue;
            int inside = char.IsHighSurrogate(text[at]) ? 2 : 1;
            if (shortest <= inside)
                (places ??= []).Add(at);
            (places ??= []).Add(at + inside);
        }
        if (places is null)
            return text;
        places.Sort();
        var output = new StringBuilder(text.Length + places.Count);
        int done = 0;
        foreach (int place in places.Distinct())
        {
            output.Append(text, done, place - done).Append(mark);
            done = place;
        }
        return output.Append(text, done, text.Length - done).ToString();
    }

    private int Next(string text, int at)
    {
        int found = text.AsSpan(at).IndexOfAny(_beginnings);
        return found < 0 ? text.Length : at + found;
    }

    // At the ends as they are, and as they are without white space, which templates cut off.
    private void AddEnds(string text, ref List<int>? places)
    {
        int start = text.Length - text.AsSpan().TrimStart().Length;
        int end = text.AsSpan().TrimEnd().Length;
        if (start == text.Length)
            (start, end) = (0, text.Length);
        foreach (int place in start == 0 ? (ReadOnlySpan<int>)[0] : [0, start])
        {
            if (BeginsWithEnd(text.AsSpan(place)))
                (places ??= []).Add(place);
        }
        foreach (int place in end == text.Length ? (ReadOnlySpan<int>)[end] : [end, text.Length])
        {
            if (EndsWithBeginning(text.AsSpan(0, place)))
                (places ??= []).Add(place);
        }
    }

    private bool EndsWithBeginning(ReadOnlySpan<char> text)
    {
        for (int start = Math.Max(0, text.Length - _longest + 1); start < text.Length; start++)
        {
            if (_forward.GoesOnBehind(text[start..]))
                return true;
        }
        return false;
    }

    private bool BeginsWithEnd(ReadOnlySpan<char> text)
    {
        Span<char> reversed = new char[Math.Min(text.Length, Math.Max(0, _longest - 1))];
        text[..reversed.Length].CopyTo(reversed);
        reversed.Reverse();
        for (int start = 0; start < reversed.Length; start++)
        {
            if (_backward.GoesOnBehind(reversed[start..]))
                return true;
        }
        return false;
    }
}
