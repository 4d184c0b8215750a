using System.Text.RegularExpressions;

namespace SpecDecode.Tests.Dashboards;

/// <summary>A file of rules as text: which names it records or alerts by, and the same with shorter times, for a test that cannot wait for minutes.</summary>
internal static partial class RuleFile
{
    public static readonly string[] Names = ["recording-rules.yml", "alerting-rules.yml"];

    public static string Text(string name) => File.ReadAllText(Path.Combine(GrafanaDashboard.Folder, name));

    public static string[] Recorded() => [.. Record().Matches(Text(Names[0])).Select(match => match.Groups[1].Value)];

    public static string[] Alerts() => [.. Alert().Matches(Text(Names[1])).Select(match => match.Groups[1].Value)];

    /// <summary>The rules with windows of some seconds in place of minutes.</summary>
    public static string Hurried(string name, int windowSeconds, int holdSeconds) => Hold().Replace(Window().Replace(Text(name), $"[{windowSeconds}s]"), $"for: {holdSeconds}s");

    [GeneratedRegex(@"- record: (\S+)")]
    private static partial Regex Record();

    [GeneratedRegex(@"- alert: (\S+)")]
    private static partial Regex Alert();

    [GeneratedRegex(@"\[[0-9]+m\]")]
    private static partial Regex Window();

    [GeneratedRegex("for: [0-9]+m")]
    private static partial Regex Hold();
}
