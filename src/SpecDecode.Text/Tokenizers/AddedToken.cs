
namespace SpecDecode.Tokenizers;

/// <summary>A token that is found in the text before the model sees it, such as a chat marker.</summary>
/// <param name="Id">The id.</param>
/// <param name="Content">The text.</param>
/// <param name="Special">A control token: no text when decoded, and not found in plain text.</param>
/// <param name="SingleWord">Found only where no word character is next to it.</param>
/// <param name="LeftStrip">Takes the white space before it along.</param>
/// <param name="RightStrip">Takes the white space behind it along.</param>
/// <param name="Normalized">Found in the normalized text, by its normalized content.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized)
{
    /// <summary>What it is found by in normalized text when that is not its normalized content; null when it is.</summary>
    public string? Written { get; init; }

    /// <summary>Reads the array <c>added_tokens</c> and enters its tokens into the vocabulary. Empty contents are left out.</summary>
    /// <param name="node">The array.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="news">Receives the ids that the vocabulary did not have.</param>
    public static List<AddedToken> Read(JsonNode? node, Vocabulary vocabulary, HashSet<int> news)
    {
        var tokens = new List<AddedToken>();
        foreach (var item in node?.Items() ?? [])
        {
            var token = Read(item, item.Get("id").Number(Vocabulary.MaxId));
            if (token.Content.Length == 0)
                continue;
            if (vocabulary.Add(token.Content, token.Id, item))
                news.Add(token.Id);
            tokens.Add(token);
        }
        return tokens;
    }

    /// <summary>Reads the object that describes a token.</summary>
    public static AddedToken Read(JsonNode node, int id)
    {
        bool special = node.Flag("special", false);
        return new AddedToken(
            id, node.Get("content").Text(), special, node.Flag("single_word", false), node.Flag("lstrip", false), node.Flag("rstrip", false),
            node.Flag("normalized", !special));
    }
}
