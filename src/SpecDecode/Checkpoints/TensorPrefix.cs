using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// The word before the names of a decoder's tensors: <c>model.</c>, in GPT-NeoX <c>gpt_neox.</c>. A checkpoint that was saved
/// without it, from the class of the decoder alone, has it added, as in transformers. No other word is taken for it.
/// </summary>
internal static class TensorPrefix
{
    // The embedding of each kind of decoder, and what stands beside the decoder and never has the prefix.
    private static readonly (string Prefix, string Embedding, string Head)[] Kinds =
        [("model.", "embed_tokens.weight", "lm_head."), ("gpt_neox.", "embed_in.weight", "embed_out.")];

    /// <summary>The name under which families know a tensor, by the name that it is stored under.</summary>
    /// <param name="names">The names of all tensors.</param>
    /// <returns>Gives the name; null where all of them keep theirs.</returns>
    public static Func<string, string>? Completion(IReadOnlyCollection<string> names)
    {
        foreach ((string prefix, string embedding, string head) in Kinds)
        {
            if (names.Contains(embedding) && !names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            {
                return name => name.StartsWith(head, StringComparison.Ordinal) ? name : prefix + name;
            }
        }

        return null;
    }

    /// <summary>The name under which a file has a tensor, by the name that families know.</summary>
    /// <param name="known">The name that families know.</param>
    /// <param name="isThere">Whether the file has a name.</param>
    public static string Stored(string known, Func<string, bool> isThere) => isThere(known)
        ? known
        : known[Kinds.First(kind => known.StartsWith(kind.Prefix, StringComparison.Ordinal)).Prefix.Length..];

    /// <summary>What to say of a tensor that is there under another prefix.</summary>
    /// <param name="names">The names that there are.</param>
    /// <param name="missing">The name that is missing.</param>
    /// <returns>The rest of a sentence about it; null where there is no such tensor.</returns>
    public static string? Describe(IEnumerable<string> names, string missing)
    {
        string prefix = Kinds.Select(kind => kind.Prefix).FirstOrDefault(prefix => missing.StartsWith(prefix, StringComparison.Ordinal)) ?? "";
        string bare = missing[prefix.Length..];
        if (names.Where(name => name.EndsWith("." + bare, StringComparison.Ordinal)).MinBy(name => name.Length) is not { } found)
        {
            return null;
        }

        string mend = found.StartsWith("base_model.", StringComparison.Ordinal)
            ? "they were saved from inside PEFT; merge the adapter by merge_and_unload() and save the result"
            : "save the language model alone, or rename the tensors";
        return $"is missing, but {Quote(found)} is there: the names have the prefix {Quote(found[..^bare.Length])} where {Quote(prefix)} is expected; {mend}";
    }
}
