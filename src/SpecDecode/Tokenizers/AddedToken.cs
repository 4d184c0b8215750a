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
    /// <summary>Reads the array <c>added_tokens</c> and enters its tokens into the vocabulary. Empty contents are left out.</summary>
    public static List<AddedToken> Read(JsonNode? node, Vocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        foreach (var item in node?.Items() ?? [])
        {
            bool special = item.Flag("special", false);
            var token = new AddedToken(
                item.Get("id").Number(Vocabulary.MaxId), item.Get("content").Text(), special, item.Flag("single_word", false),
                item.Flag("lstrip", false), item.Flag("rstrip", false), item.Flag("normalized", !special));
            if (token.Content.Length == 0)
                continue;
            vocabulary.Add(token.Content, token.Id, item);
            tokens.Add(token);
        }
        return tokens;
    }
}
