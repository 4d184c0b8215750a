namespace SpecDecode.Tokenizers;

/// <summary>The control tokens that a post-processor puts around the ids of a text.</summary>
/// <param name="Before">Ids before the text, such as the beginning of the sequence.</param>
/// <param name="After">Ids behind it.</param>
internal sealed record SpecialTokenFrame(int[] Before, int[] After)
{
    private static readonly SpecialTokenFrame None = new([], []);

    /// <summary>Reads the object <c>post_processor</c>; null adds nothing.</summary>
    /// <exception cref="UnsupportedTokenizerException">Its kind is unknown.</exception>
    public static SpecialTokenFrame Read(JsonNode? node, Vocabulary vocabulary)
    {
        if (node is not { } part)
            return None;
        var type = part.Get("type");
        switch (type.Text())
        {
            case "ByteLevel":
                return None;
            case "TemplateProcessing":
                return ReadTemplate(part, vocabulary);
            case "BertProcessing" or "RobertaProcessing":
                return new([ReadPair(part.Get("cls"), vocabulary)], [ReadPair(part.Get("sep"), vocabulary)]);
            case "Sequence":
                var frame = None;
                foreach (var item in part.Get("processors").Items())
                {
                    var outer = Read(item, vocabulary);
                    frame = new([.. outer.Before, .. frame.Before], [.. frame.After, .. outer.After]);
                }
                return frame;
            case var other:
                throw type.Unsupported($"is the post-processor '{other}', which is not supported");
        }
    }

    private static SpecialTokenFrame ReadTemplate(JsonNode node, Vocabulary vocabulary)
    {
        List<int> before = [], after = [];
        bool seen = false;
        foreach (var item in node.Get("single").Items())
        {
            if (item.TryGet("Sequence") is { } sequence)
            {
                if (seen || sequence.Get("id").Text() != "A")
                    throw item.Error("is not the one place of the text 'A'");
                seen = true;
                continue;
            }
            var name = item.Get("SpecialToken").Get("id").Text();
            foreach (var id in node.Get("special_tokens").Get(name).Get("ids").Items())
                (seen ? after : before).Add(Known(id, vocabulary));
        }
        return seen ? new([.. before], [.. after]) : throw node.Get("single").Error("has no place for the text 'A'");
    }

    // Bert writes ["[CLS]", 101].
    private static int ReadPair(JsonNode node, Vocabulary vocabulary)
    {
        var parts = node.Items().Take(3).ToArray();
        return parts.Length == 2 ? Known(parts[1], vocabulary) : throw node.Error("is not a pair of a token and its id");
    }

    private static int Known(JsonNode node, Vocabulary vocabulary)
    {
        int id = node.Number(Vocabulary.MaxId);
        return vocabulary.TryGetText(id, out _) ? id : throw node.Error($"is {id}, which is not in the vocabulary");
    }
}
