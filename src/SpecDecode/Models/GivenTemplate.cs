using SpecDecode.ChatTemplates;

namespace SpecDecode.Models;

/// <summary>The chat template that <see cref="ModelOptions.ChatTemplate"/> gives in place of a checkpoint's.</summary>
internal static class GivenTemplate
{
    /// <summary>Whether a value of the option is the path of a file, and not a template itself.</summary>
    public static bool IsPath(string value) => !value.Contains('{', StringComparison.Ordinal);

    /// <summary>Reads it.</summary>
    /// <param name="folder">The checkpoint's folder, for its special tokens.</param>
    /// <param name="value">A file or a text.</param>
    /// <exception cref="OptionException">It is neither, or no template.</exception>
    public static ChatTemplateSet Read(string folder, string value)
    {
        OptionName option = OptionName.OfModel(nameof(ModelOptions.ChatTemplate));
        if (string.IsNullOrWhiteSpace(value))
        {
            throw new OptionException($"{option} is empty: give a file with a chat template, or the template itself, or leave it out.");
        }

        try
        {
            return ChatTemplateFiles.Given(folder, value, IsPath(value));
        }
        catch (SpecDecodeException error)
        {
            throw new OptionException($"{option} cannot be used: {error.Message}", error);
        }
    }
}
