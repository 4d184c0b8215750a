using SpecDecode.Tokenizers;

namespace SpecDecode.Models;

/// <summary>The tokenizer that goes with a model.</summary>
internal static class TokenizerLoading
{
    /// <summary>Loads it.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="path">The tokenizer's file; null where there is none.</param>
    /// <param name="vocabularySize">The model's number of token ids; null where it is not known.</param>
    /// <param name="warn">Told what is not as the user may expect.</param>
    /// <returns>The tokenizer; null where there is none that can be used, which is a warning.</returns>
    public static TextTokenizer? Load(string folder, string? path, int? vocabularySize, Action<string> warn)
    {
        if (path is null)
        {
            warn($"{folder}: there is no tokenizer.json and no tokenizer.model, so prompts must be token ids and results have no text.");
            return null;
        }

        try
        {
            TextTokenizer tokenizer = TextTokenizer.Load(path);
            foreach (string warning in tokenizer.Warnings)
            {
                warn(warning);
            }

            if (tokenizer.VocabularySize > vocabularySize)
            {
                warn($"{path}: it has ids up to {tokenizer.VocabularySize - 1}, but the model's vocabulary ends at {vocabularySize - 1}; texts that need ids beyond are refused.");
            }

            return tokenizer;
        }
        catch (UnsupportedTokenizerException error)
        {
            warn($"{error.Message} Prompts must be token ids and results have no text.");
            return null;
        }
    }
}
