using System.ComponentModel.DataAnnotations;

namespace SpecDecode.Hosting;

/// <summary>What an option is called in the configuration.</summary>
internal static class OptionPath
{
    /// <summary>From what the generated validator calls it: <c>SpecDecodeOptions.Drafting.DraftLength</c> is <c>Drafting:DraftLength</c>.</summary>
    public static string Of(ValidationContext context) =>
        string.Join(':', context.DisplayName.Split('.', StringSplitOptions.RemoveEmptyEntries) is [_, .. { Length: > 0 } rest] ? rest : [context.DisplayName]);
}
