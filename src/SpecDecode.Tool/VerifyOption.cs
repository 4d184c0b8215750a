using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary><c>--verify-weights</c>.</summary>
internal static class VerifyOption
{
    /// <summary>The option.</summary>
    public static Option<bool> Create() => new("--verify-weights")
    {
        Description = "Read all weights and compare them with their hashes, also those of files that look as they did when they were read.",
    };
}
