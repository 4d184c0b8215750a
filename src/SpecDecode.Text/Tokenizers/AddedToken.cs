using SpecDecode.Checkpoints;

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
    /// <summary>Whether it is found in normalized text by its content as it is.</summary>
    public bool Verbatim { get; init; }

    /// <summary>Reads the array <c>added_tokens</c> and enters its tokens into the vocabulary. Empty contents are left out.</summary>
    /// <remarks>
    /// Ids are those of the reference implementation: a content that the vocabulary has keeps its id there, and the others are
    /// numbered from the vocabulary's size on in their order, whatever the file says. Of a content that is there twice the
    /// later one counts, and it is special if one of them is.
    /// </remarks>
    /// <param name="node">The array.</param>
    /// <param name="vocabulary">The tokens of the model.</param>
    /// <param name="news">Receives the ids that the vocabulary did not have.</param>
    /// <param name="warnings">Receives a sentence where ids are not those of the file.</param>
    public static List<AddedToken> Read(JsonNode? node, Vocabulary vocabulary, HashSet<int> news, List<string> warnings)
    {
        var tokens = new OrderedDictionary<int, AddedToken>();
        int next = vocabulary.Count;
        (JsonNode Node, AddedToken Token, int Id)? moved = null;
        int count = 0;
        foreach (var item in node?.Items() ?? [])
        {
            var token = Read(item, item.Get("id").Number(Vocabulary.MaxId));
            if (token.Content.Length == 0)
                continue;
            if (!vocabulary.TryGetId(token.Content, out int id))
            {
                id = next <= Vocabulary.MaxId ? next++ : throw item.Error($"has an id beyond {Vocabulary.MaxId}");
                vocabulary.Put(token.Content, id);
                news.Add(id);
            }
            if (id != token.Id)
            {
                moved ??= (item, token, id);
                count++;
            }
            bool wasSpecial = tokens.TryGetValue(id, out var earlier) && earlier.Special;
            tokens[id] = token with { Id = id, Special = token.Special || wasSpecial };
        }
        if (moved is { } first)
        {
            warnings.Add(first.Node.Remark(
                $"gives the token '{CheckpointText.Shorten(first.Token.Content)}' the id {first.Token.Id}, but it counts as {first.Id}, "
                + $"{(news.Contains(first.Id) ? "the next one behind the vocabulary" : "its id in the vocabulary")}, as in Hugging Face tokenizers"
                + (count > 1 ? $"; so it is with {count - 1} more" : "")));
        }
        return [.. tokens.Values];
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
