using SpecDecode.Tokenizers;

namespace SpecDecode.Peers;

/// <summary>A prompt of so many tokens: a story where the model has a tokenizer, else ids all over the vocabulary.</summary>
internal static class Prompts
{
    // A prime, so that ids do not come back soon.
    private const int Stride = 7919;

    private const string Story =
        "Once upon a time there was a little girl who lived near the woods. Every morning she went to the river to look for smooth stones, and every "
        + "evening she came home with her pockets full. One day she found a stone that was warm. ";

    /// <summary>Makes the prompt.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="vocabulary">Its token ids.</param>
    /// <param name="length">Tokens of the prompt.</param>
    public static int[] Of(string folder, int vocabulary, int length)
    {
        if (!File.Exists(Path.Combine(folder, "tokenizer.json")))
        {
            return [.. Enumerable.Range(1, length).Select(i => (int)((long)i * Stride % vocabulary))];
        }

        TextTokenizer tokenizer = TextTokenizer.LoadFromFolder(folder);
        int[] tokens = tokenizer.Encode(Story);
        while (tokens.Length < length)
        {
            tokens = [.. tokens, .. tokenizer.Encode(Story)];
        }

        return tokens[..length];
    }
}
