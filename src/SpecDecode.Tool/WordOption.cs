using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary>Options whose value is one of some words, in any case.</summary>
internal static class WordOption
{
    /// <summary>Allows only these words.</summary>
    /// <param name="option">The option.</param>
    /// <param name="words">The words, as they are written in lower case.</param>
    public static void AcceptWords(this Option<string?> option, params string[] words)
    {
        option.HelpName = string.Join('|', words);
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            foreach (string value in result.Tokens.Select(token => token.Value))
            {
                if (!words.Contains(value, StringComparer.OrdinalIgnoreCase))
                {
                    result.AddError($"{option.Name} is '{value}': give one of {string.Join(", ", words)}.");
                }
            }
        });
    }
}
