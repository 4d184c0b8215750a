using System.Text.RegularExpressions;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The filter <c>wordwrap</c>: each line filled up to a width, as Python's <c>textwrap</c> does it.</summary>
internal sealed partial class TextWrapping
{
    private readonly Meter _meter;
    private readonly long _width;
    private readonly bool _breakLongWords;
    private readonly bool _breakOnHyphens;

    private TextWrapping(Meter meter, long width, bool breakLongWords, bool breakOnHyphens) =>
        (_meter, _width, _breakLongWords, _breakOnHyphens) = (meter, width, breakLongWords, breakOnHyphens);

    public static string Wrap(Meter meter, string text, long width, bool breakLongWords, string separator, bool breakOnHyphens)
    {
        TextWrapping wrapping = new(meter, width, breakLongWords, breakOnHyphens);
        IReadOnlyList<object?> lines = TextSplitting.Lines(meter, text, keepEnds: false).Items;
        string result = string.Join(separator, lines.Select(line => string.Join(separator, wrapping.Fill((string)line!))));
        meter.AllocateText(result.Length);
        return result;
    }

    private List<string> Fill(string line)
    {
        if (_width <= 0)
        {
            throw TemplateError.Value($"invalid width {_width} (must be > 0)");
        }

        List<string> lines = [];
        LinkedList<string> chunks = new(Chunks(line));
        while (chunks.First is not null)
        {
            _meter.Step();
            List<string> current = [];
            long length = 0;
            if (lines.Count > 0 && IsBlank(chunks.First.Value))
            {
                chunks.RemoveFirst();
            }

            while (chunks.First is { } next && length + CodePoints.Length(next.Value) <= _width)
            {
                _meter.Step();
                length += CodePoints.Length(next.Value);
                current.Add(next.Value);
                chunks.RemoveFirst();
            }

            if (chunks.First is { } word && CodePoints.Length(word.Value) > _width)
            {
                Break(chunks, current, _width - length);
            }

            if (current.Count > 0 && IsBlank(current[^1]))
            {
                current.RemoveAt(current.Count - 1);
            }

            if (current.Count > 0)
            {
                lines.Add(string.Concat(current));
            }
        }

        return lines;
    }

    private void Break(LinkedList<string> chunks, List<string> current, long room)
    {
        string chunk = chunks.First!.Value;
        if (!_breakLongWords)
        {
            if (current.Count == 0)
            {
                current.Add(chunk);
                chunks.RemoveFirst();
            }

            return;
        }

        int end = CodePoints.UnitOfIndex(chunk, (int)room);
        int hyphen = end == 0 ? -1 : chunk.LastIndexOf('-', end - 1, end);
        if (_breakOnHyphens && hyphen > 0 && chunk.AsSpan(0, hyphen).ContainsAnyExcept('-'))
        {
            end = hyphen + 1;
        }

        _meter.AllocateText(chunk.Length);
        current.Add(chunk[..end]);
        chunks.First.Value = chunk[end..];
    }

    private IEnumerable<string> Chunks(string line)
    {
        // The pattern looks through the rest of a run of hyphens at each of them.
        for (int at = 0; at < line.Length;)
        {
            int run = Math.Max(line.AsSpan(at).IndexOfAnyExcept('-') is var end and >= 0 ? end : line.Length - at, 0);
            _meter.Work((long)run * run >> 4);
            at += run + 1;
        }

        _meter.Work(line.Length);
        foreach (Match match in (_breakOnHyphens ? Words() : SimpleWords()).Matches(line))
        {
            _meter.Step();
            _meter.AllocateText(match.Length);
            yield return match.Value;
        }
    }

    private static bool IsBlank(string chunk) => chunk.All(Text.IsSpace);

    [GeneratedRegex("""
        [\t\n\v\f\r\x20]+
        | (?<=[\w!"'&.,?]) -{2,} (?=\w)
        | [^\t\n\v\f\r\x20]+? (?:
            -(?: (?<=[^\d\W]{2}-) | (?<=[^\d\W]-[^\d\W]-)) (?= [^\d\W] -? [^\d\W])
            | (?=[\t\n\v\f\r\x20]|\z)
            | (?<=[\w!"'&.,?]) (?=-{2,}\w))
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex Words();

    [GeneratedRegex(@"[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+", RegexOptions.CultureInvariant)]
    private static partial Regex SimpleWords();
}
