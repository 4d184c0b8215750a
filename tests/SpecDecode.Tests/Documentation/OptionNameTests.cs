using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using SpecDecode.Checkpoints;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.Tests.Documentation;

/// <summary>Options that the pages name exist under that name.</summary>
public sealed partial class OptionNameTests
{
    // The changelog names what there was, too.
    private static IEnumerable<string> Pages => MarkdownBlocks.Pages.Where(page => page != "CHANGELOG.md");

    [Fact]
    public void Every_option_of_a_host_that_a_page_names_exists()
    {
        int found = 0;
        StringBuilder wrong = new();
        foreach (string page in Pages)
        {
            foreach (Match match in HostOption().Matches(Text(page)))
            {
                (string section, string key) = (match.Groups["section"].Value, match.Groups["key"].Value);
                bool isNamed = match.Groups["root"].Success || ConfigurationKeys.Sections.ContainsKey(section);
                found += isNamed ? 1 : 0;

                // The sample service's own section, beside SpecDecode.
                bool isOfSample = !match.Groups["root"].Success && section == "Telemetry" && key is ("Prometheus" or "OtlpEndpoint");
                if (isNamed && !isOfSample && !(ConfigurationKeys.Sections.TryGetValue(section, out var keys) && keys.ContainsKey(key)))
                {
                    wrong.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{page}: {match.Value}");
                }
            }
        }

        Assert.Equal("", wrong.ToString());
        Assert.True(found >= 6, $"Only {found} options were found.");
    }

    [Fact]
    public void Every_member_of_an_options_type_that_a_page_names_exists()
    {
        Dictionary<string, Type> types = new[] { typeof(TextModel).Assembly, typeof(CheckpointException).Assembly }
            .SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) || type.Name.EndsWith("Request", StringComparison.Ordinal))
            .ToDictionary(type => type.Name, StringComparer.Ordinal);
        int found = 0;
        StringBuilder wrong = new();
        foreach (string page in Pages)
        {
            foreach (Match match in Member().Matches(Text(page)).Where(match => types.ContainsKey(match.Groups["type"].Value)))
            {
                found++;
                if (types[match.Groups["type"].Value].GetMember(match.Groups["member"].Value, BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static) is [])
                {
                    wrong.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{page}: {match.Value}");
                }
            }
        }

        Assert.Equal("", wrong.ToString());
        Assert.True(found >= 5, $"Only {found} members were found.");
    }

    private static string Text(string page) => File.ReadAllText(Path.Combine(TestFolders.Repository, page));

    [GeneratedRegex(@"\b(?<root>SpecDecode(?::|__))?(?<section>[A-Z][A-Za-z]+)(?::|__)(?<key>[A-Z][A-Za-z]+)")]
    private static partial Regex HostOption();

    [GeneratedRegex(@"\b(?<type>[A-Z][A-Za-z]+)\.(?<member>[A-Z][A-Za-z]+)")]
    private static partial Regex Member();
}
