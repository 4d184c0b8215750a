namespace SpecDecode.Tokenizers;

/// <summary>
/// The most text that one token can stand for, so that a text that is too long for a number of tokens is known to be before it is
/// encoded. Known where nothing of the text is dropped or fused on the way: no normalizer that shortens it without bounds, no split
/// that removes, a token for every byte, and no added token that takes white space along.
/// </summary>
internal static class TokenReach
{
    /// <summary>UTF-16 units of the text as given; null where there is no bound.</summary>
    /// <param name="definition">The tokenizer.</param>
    /// <param name="rewritten">The texts by which added tokens are found that the normalizer changes.</param>
    public static int? Of(TokenizerDefinition definition, IReadOnlyCollection<string> rewritten) =>
        definition.AddedTokens.Any(token => token.LeftStrip || token.RightStrip) ? null : OfStretch(definition, rewritten);

    /// <summary>UTF-16 units of a stretch between added tokens, as given; null where there is no bound.</summary>
    /// <inheritdoc cref="Of" path="/param"/>
    public static int? OfStretch(TokenizerDefinition definition, IReadOnlyCollection<string> rewritten) =>
        OfNormalized(definition, rewritten) * (long?)(definition.Normalizer is { } normalizer ? normalizer.MostIntoOne : 1) is { } units
            ? (int)Math.Min(int.MaxValue, units)
            : null;

    /// <summary>UTF-16 units of normalized text; null where there is no bound.</summary>
    /// <inheritdoc cref="Of" path="/param"/>
    // A token's text has a unit for each unit of the text that it stands for, or for each of its bytes, which are no fewer.
    public static int? OfNormalized(TokenizerDefinition definition, IReadOnlyCollection<string> rewritten) =>
        definition.PreTokenizer is { KeepsText: false } || !definition.Model.KnowsAll(isSpelled: definition.PreTokenizer is { SpellsBytes: true })
            ? null
            : definition.Vocabulary.Entries.Select(entry => entry.Key).Concat(rewritten).Max(text => text.Length);
}
