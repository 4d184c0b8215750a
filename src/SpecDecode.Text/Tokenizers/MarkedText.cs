using System.Runtime.InteropServices;

namespace SpecDecode.Tokenizers;

/// <summary>
/// A text in which places are marked: those where whoever wrote the text meant a control token, and those over which none may go.
/// </summary>
internal sealed class MarkedText
{
    private readonly string _marked;

    // Places in the plain text, ascending; of all marks together the mark's own place in the marked text follows from its number.
    private readonly List<int> _written = [];
    private readonly List<int> _broken = [];
    private readonly List<int> _all = [];

    private MarkedText(string marked, string plain) => (_marked, Plain) = (marked, plain);

    /// <summary>The text without its marks.</summary>
    public string Plain { get; }

    /// <summary>Takes the marks out of a text.</summary>
    /// <param name="text">The text, in which the marks' characters stand for nothing else.</param>
    /// <param name="marks">The characters.</param>
    public static MarkedText Read(string text, TextMarks marks)
    {
        int at = text.AsSpan().IndexOfAny(marks.Written, marks.Broken);
        if (at < 0)
            return new(text, text);
        var plain = new char[text.Length];
        List<int> written = [], broken = [], all = [];
        int length = 0;
        for (int start = 0; ; start = at + 1)
        {
            at = text.AsSpan(start).IndexOfAny(marks.Written, marks.Broken);
            at = at < 0 ? text.Length : start + at;
            text.AsSpan(start, at - start).CopyTo(plain.AsSpan(length));
            length += at - start;
            if (at == text.Length)
                break;
            (text[at] == marks.Written ? written : broken).Add(length);
            all.Add(length);
        }
        var result = new MarkedText(text, new string(plain, 0, length));
        result._written.AddRange(written);
        result._broken.AddRange(broken);
        result._all.AddRange(all);
        return result;
    }

    /// <summary>Whether a control token is meant to begin at a place.</summary>
    public bool IsWritten(int at) => HasWithin(_written, at, at + 1);

    /// <summary>Whether one is meant to begin somewhere from a place on and before another.</summary>
    public bool IsWrittenWithin(int start, int end) => HasWithin(_written, start, end);

    /// <summary>Whether none may begin at a place that has it behind itself.</summary>
    public bool IsBroken(int at) => HasWithin(_broken, at, at + 1);

    /// <summary>Whether none may go from a place to another.</summary>
    public bool IsBrokenWithin(int start, int end) => HasWithin(_broken, start + 1, end);

    /// <summary>A stretch of the plain text with the marks that are in it.</summary>
    public string Marked(int start, int end) => _marked[(start + CountBefore(start))..(end + CountBefore(end))];

    private int CountBefore(int place)
    {
        int at = CollectionsMarshal.AsSpan(_all).BinarySearch(place);
        at = at < 0 ? ~at : at;
        while (at > 0 && _all[at - 1] == place)
            at--;
        return at;
    }

    private static bool HasWithin(List<int> places, int start, int end)
    {
        if (places.Count == 0 || start >= end)
            return false;
        int at = CollectionsMarshal.AsSpan(places).BinarySearch(start);
        return at >= 0 || (~at < places.Count && places[~at] < end);
    }
}

/// <summary>The characters that mark places of a text, in which they must stand for nothing else.</summary>
/// <param name="Written">Before a control token that is meant.</param>
/// <param name="Broken">Where none goes over.</param>
internal readonly record struct TextMarks(char Written, char Broken);
