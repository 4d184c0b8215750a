using System.Runtime.CompilerServices;
using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

/// <summary>The cases beside the tests, and rendering them.</summary>
internal static class CaseFiles
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);

    public static JsonElement Read(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder(), name)));
        return document.RootElement.Clone();
    }

    /// <summary>The templates in the manner of model families, by name.</summary>
    public static IEnumerable<(string Name, string Source)> Families() => Directory.EnumerateFiles(Path.Combine(Folder(), "families"), "*.jinja")
        .Order(StringComparer.Ordinal).Select(path => (Path.GetFileNameWithoutExtension(path), File.ReadAllText(path)));

    /// <summary>An object's members as what a template is told.</summary>
    public static ChatTemplateInput Input(JsonElement variables)
    {
        using JsonDocument none = JsonDocument.Parse("[]");
        return new ChatTemplateInput
        {
            Messages = none.RootElement.Clone(),
            Variables = variables.EnumerateObject().ToDictionary(member => member.Name, member => member.Value),
            Now = Now,
        };
    }

    /// <summary>What a case leaves to be desired, or null.</summary>
    /// <param name="template">The template.</param>
    /// <param name="input">What it is told.</param>
    /// <param name="expected">An object with <c>output</c>, or with <c>error</c>, a part of the reason.</param>
    public static string? Difference(string template, ChatTemplateInput input, JsonElement expected)
    {
        string? output = null;
        string? error = null;
        try
        {
            output = ChatTemplate.Parse(template).Render(input, TestContext.Current.CancellationToken);
        }
        catch (ChatTemplateException refused)
        {
            error = refused.Reason;
        }

        bool fits = expected.TryGetProperty("output", out JsonElement wanted)
            ? output == wanted.GetString()
            : error?.Contains(expected.GetProperty("error").GetString()!, StringComparison.Ordinal) == true;
        return fits ? null : $"{template}\n  wanted {expected}\n  found {output ?? "error " + error}";
    }

    private static string Folder([CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, "Cases");
}
