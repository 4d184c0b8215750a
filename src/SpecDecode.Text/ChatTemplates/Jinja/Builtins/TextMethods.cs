using System.Collections.Frozen;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;
using static SpecDecode.ChatTemplates.Jinja.Builtins.TextFunctions;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The methods of texts.</summary>
internal static class TextMethods
{
    private static readonly FrozenDictionary<string, BuiltinFunction> Methods = new[]
    {
        // On markup these escape their arguments and give markup.
        Mapping("capitalize(self, /)", (run, text, _) => CaseMapping.Capitalize(run.Meter, text)),
        Mapping("casefold(self, /)", (run, text, _) => CaseMapping.Fold(run.Meter, text)),
        Mapping("lower(self, /)", (run, text, _) => CaseMapping.Lower(run.Meter, text)),
        Mapping("upper(self, /)", (run, text, _) => CaseMapping.Upper(run.Meter, text)),
        Mapping("swapcase(self, /)", (run, text, _) => CaseMapping.SwapCase(run.Meter, text)),
        Mapping("title(self, /)", (run, text, _) => CaseMapping.Title(run.Meter, text)),
        Mapping("strip(self, chars?, /)", (run, text, a) => Strip(run.Meter, text, Chars(a), start: true, end: true)),
        Mapping("lstrip(self, chars?, /)", (run, text, a) => Strip(run.Meter, text, Chars(a), start: true, end: false)),
        Mapping("rstrip(self, chars?, /)", (run, text, a) => Strip(run.Meter, text, Chars(a), start: false, end: true)),
        Mapping("center(self, width, fillchar?, /)", (run, text, a) => Center(run.Meter, text, a.Whole(1), Fill(a))),
        Mapping("ljust(self, width, fillchar?, /)", (run, text, a) => text + Padding(run.Meter, text, a.Whole(1), Fill(a))),
        Mapping("rjust(self, width, fillchar?, /)", (run, text, a) => Padding(run.Meter, text, a.Whole(1), Fill(a)) + text),
        Mapping("zfill(self, width, /)", (run, text, a) => ZeroFill(run.Meter, text, a.Whole(1))),
        Mapping("expandtabs(self, tabsize?)", (run, text, a) => ExpandTabs(run.Meter, text, a.Whole(1, 8))),
        Mapping("replace(self, old, new, count?, /)", (run, text, a) => Replace(run.Meter, text, a.Text(1), a.Text(2), a.Whole(3, -1))),
        Mapping("removeprefix(self, prefix, /)", (_, text, a) =>
            text.StartsWith(a.Text(1), StringComparison.Ordinal) ? text[a.Text(1).Length..] : text),
        Mapping("removesuffix(self, suffix, /)", (_, text, a) =>
            text.EndsWith(a.Text(1), StringComparison.Ordinal) ? text[..^a.Text(1).Length] : text),
        Mapping("translate(self, table, /)", Translate),
        Mapping("join(self, iterable, /)", (run, text, a) => Join(run.Meter, text, a[1], a[0] is MarkupValue)),
        Mapping("format(self, *, **)", (run, text, a) => BraceFormat.Apply(run, text, a.Rest, a.Named, a[0] is MarkupValue), escapes: false),
        Mapping("format_map(self, mapping, /)", (run, text, a) => BraceFormat.Apply(run, text, a[1], a[0] is MarkupValue), escapes: false),
        Mapping("split(self, sep?, maxsplit?)", (run, text, a) => TextSplitting.Split(run.Meter, text, Separator(a), a.Whole(2, -1))),
        Mapping("rsplit(self, sep?, maxsplit?)", (run, text, a) => TextSplitting.SplitFromEnd(run.Meter, text, Separator(a), a.Whole(2, -1))),
        Mapping("splitlines(self, keepends?)", (run, text, a) => TextSplitting.Lines(run.Meter, text, a.Truth(1))),
        Mapping("partition(self, sep, /)", (run, text, a) => TextSplitting.Partition(run.Meter, text, a.Text(1))),
        Mapping("rpartition(self, sep, /)", (run, text, a) => TextSplitting.PartitionFromEnd(run.Meter, text, a.Text(1))),

        Searching("startswith(self, prefix, start?, end?, /)", (run, text, a) => Affix(run.Meter, text, a, atEnd: false)),
        Searching("endswith(self, suffix, start?, end?, /)", (run, text, a) => Affix(run.Meter, text, a, atEnd: true)),
        Searching("find(self, sub, start?, end?, /)", (run, text, a) => TextFunctions.Find(run.Meter, text, a, last: false)),
        Searching("rfind(self, sub, start?, end?, /)", (run, text, a) => TextFunctions.Find(run.Meter, text, a, last: true)),
        Searching("index(self, sub, start?, end?, /)", (run, text, a) => Found(TextFunctions.Find(run.Meter, text, a, last: false))),
        Searching("rindex(self, sub, start?, end?, /)", (run, text, a) => Found(TextFunctions.Find(run.Meter, text, a, last: true))),
        Searching("count(self, sub, start?, end?, /)", (run, text, a) => Count(run.Meter, text, a)),
        Asking("isalnum(self, /)", (_, text, _) => TextClasses.All(text, TextClasses.IsAlphanumeric)),
        Asking("isalpha(self, /)", (_, text, _) => TextClasses.All(text, TextClasses.IsLetter)),
        Asking("isascii(self, /)", (_, text, _) => System.Text.Ascii.IsValid(text)),
        Asking("isdecimal(self, /)", (_, text, _) => TextClasses.All(text, TextClasses.IsDecimal)),
        Asking("isdigit(self, /)", (_, text, _) => TextClasses.All(text, TextClasses.IsDigit)),
        Asking("isnumeric(self, /)", (_, text, _) => TextClasses.All(text, TextClasses.IsNumeric)),
        Asking("isidentifier(self, /)", (_, text, _) => TextClasses.IsIdentifier(text)),
        Asking("islower(self, /)", (_, text, _) => TextClasses.IsLower(text)),
        Asking("isupper(self, /)", (_, text, _) => TextClasses.IsUpper(text)),
        Asking("istitle(self, /)", (_, text, _) => TextClasses.IsTitle(text)),
        Asking("isspace(self, /)", (_, text, _) => text.Length > 0 && text.All(Text.IsSpace)),
        Asking("isprintable(self, /)", (_, text, _) => CodePoints.Numbers(text).All(Repr.IsPrintable)),
        Asking("striptags(self, /)", (run, text, _) => Html.StripTags(run.Meter, text)),
        Asking("unescape(self, /)", (run, text, _) => Html.Unescape(run.Meter, text)),
    }.ToFrozenDictionary(method => method.Name, StringComparer.Ordinal);

    private static readonly FrozenSet<string> OfMarkupOnly = FrozenSet.Create(StringComparer.Ordinal, "striptags", "unescape");

    /// <summary>A method, or null.</summary>
    public static BuiltinFunction? Find(string name, bool markup) =>
        markup || !OfMarkupOnly.Contains(name) ? Methods.GetValueOrDefault(name) : null;

    private static BuiltinFunction Mapping(string signature, Func<Run, string, BoundArguments, object?> body, bool escapes = true) =>
        new(new Signature(signature), (run, a) =>
        {
            bool markup = a[0] is MarkupValue;
            string text = a.Text(0);
            object? result = body(run, text, markup && escapes ? a.Escaped(run.Meter) : a);
            return markup ? AsMarkup(result) : result;
        });

    private static BuiltinFunction Asking(string signature, Func<Run, string, BoundArguments, object?> body) =>
        new(new Signature(signature), (run, a) =>
        {
            string text = a.Text(0);
            run.Meter.Work(text.Length >> 4);
            return body(run, text, a);
        });

    // These count what they look at, which may be no more than the beginning.
    private static BuiltinFunction Searching(string signature, Func<Run, string, BoundArguments, object?> body) =>
        new(new Signature(signature), (run, a) => body(run, a.Text(0), a) is var result && result is int number ? (long)number : result, looks: false);

    private static object? AsMarkup(object? value) => value switch
    {
        string text => new MarkupValue(text),
        SequenceValue sequence => sequence.With([.. sequence.Items.Select(AsMarkup)]),
        _ => value,
    };

    private static string? Chars(BoundArguments a) => a.Or(1, null) is null ? null : a.Text(1);

    private static string? Separator(BoundArguments a)
    {
        string? separator = a.Or(1, null) is null ? null : a.Text(1);
        return separator?.Length == 0 ? throw TemplateError.Value("empty separator") : separator;
    }

    private static string Fill(BoundArguments a)
    {
        string fill = a.Has(2) ? a.Text(2) : " ";
        return CodePoints.Length(fill) == 1 ? fill : throw TemplateError.Type("The fill character must be exactly one character long");
    }

    private static int Found(int index) => index >= 0 ? index : throw TemplateError.Value("substring not found");
}
