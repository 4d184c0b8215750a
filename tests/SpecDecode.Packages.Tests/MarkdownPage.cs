using System.Text.RegularExpressions;

namespace SpecDecode.Tests.Packages;

/// <summary>Links of a page, found line by line outside of code.</summary>
internal static partial class MarkdownPage
{
    /// <summary>The addresses of all links.</summary>
    public static IReadOnlyList<string> Links(string page) => [.. Link().Matches(WithoutCode(page)).Select(link => link.Groups[2].Value)];

    /// <summary>The addresses that lead nowhere without the files beside the page.</summary>
    public static IReadOnlyList<string> LinksToFiles(string page) => [.. Links(page).Where(IsFile)];

    /// <summary>The page with the text alone of links to files, and of their images.</summary>
    public static string WithoutLinksToFiles(string page) =>
        Link().Replace(page, link => IsFile(link.Groups[2].Value) ? link.Groups[1].Value : link.Value);

    private static bool IsFile(string address) => !address.Contains(':', StringComparison.Ordinal) && !address.StartsWith('#');

    private static string WithoutCode(string page) => Regex.Replace(page, "^```.*?^```", "", RegexOptions.Multiline | RegexOptions.Singleline);

    [GeneratedRegex(@"!?\[([^\[\]]*)\]\(([^()]+)\)")]
    private static partial Regex Link();
}
