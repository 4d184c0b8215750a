using System;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes a page as a package shows it. A gallery knows no files beside the page, so a link to one becomes a link into the project's
/// home, or, where no home is known, its text alone. Code stays as it is.
/// </summary>
public sealed class PackedReadme : Task
{
    // Code comes first, so that what looks like a link in it is none.
    private static readonly Regex CodeOrLink = new Regex(
        @"(?<code>^```.*?^```|`[^`\n]+`)|(?<image>!?)\[(?<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?<target>[^()\s]+)\)",
        RegexOptions.CultureInvariant | RegexOptions.Multiline | RegexOptions.Singleline);

    private static readonly Regex LinkElsewhere = new Regex("^([a-z][a-z0-9+.-]*:|#)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);

    /// <summary>The page.</summary>
    [Required]
    public string Page { get; set; }

    /// <summary>The folder that the project's home shows.</summary>
    [Required]
    public string Root { get; set; }

    /// <summary>The file to write.</summary>
    [Required]
    public string Output { get; set; }

    /// <summary>The address of the project; empty where there is none.</summary>
    public string Home { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        string packed = CodeOrLink.Replace(
            File.ReadAllText(Page).Replace("\r\n", "\n"),
            match => match.Groups["code"].Success || LinkElsewhere.IsMatch(match.Groups["target"].Value) ? match.Value : Rewrite(match));
        if (Log.HasLoggedErrors)
        {
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(Output)));
        File.WriteAllText(Output, packed, new UTF8Encoding(false));
        return true;
    }

    private string Rewrite(Match link)
    {
        string target = link.Groups["target"].Value;
        int end = target.IndexOf('#');
        string file = end < 0 ? target : target.Substring(0, end);
        string path = FromRoot(file);
        if (path == null)
        {
            Log.LogError(
                null, null, null, Page, 0, 0, 0, 0,
                "The page links to '{0}', which is no file or folder of the project: mend the link, or give an address.", target);
            return link.Value;
        }

        string text = link.Groups["text"].Value;
        string image = link.Groups["image"].Value;
        return string.IsNullOrEmpty(Home)
            ? text
            : image + "[" + text + "](" + Home.TrimEnd('/') + (image.Length > 0 ? "/raw/HEAD/" : "/blob/HEAD/") + path + target.Substring(file.Length) + ")";
    }

    private string FromRoot(string file)
    {
        string full = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(Page)), file));
        string root = Path.GetFullPath(Root).TrimEnd('/', '\\') + Path.DirectorySeparatorChar;
        return full.StartsWith(root, StringComparison.Ordinal) && (File.Exists(full) || Directory.Exists(full))
            ? full.Substring(root.Length).Replace('\\', '/')
            : null;
    }
}
