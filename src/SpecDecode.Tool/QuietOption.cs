using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary>The option to be told less on stderr; warnings and errors stay.</summary>
internal static class QuietOption
{
    /// <summary>The option.</summary>
    /// <param name="description">What is left out.</param>
    public static Option<bool> Create(string description) => new("--quiet") { Description = description };
}
