using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary>Rules for options that several commands share.</summary>
internal static class OptionRules
{
    /// <summary>Refuses numbers below 1 as misuse of the command line.</summary>
    public static void RequireAtLeastOne<T>(this Option<T> option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int number) && number < 1)
        {
            result.AddError($"{option.Name} is {number}; give 1 or more.");
        }
    });
}
