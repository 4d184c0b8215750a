namespace SpecDecode.Drafting.Profiles;

/// <summary>Which model something was measured on: what decides whether it holds for another folder.</summary>
/// <param name="Family">The <c>model_type</c> of its config.json.</param>
/// <param name="LayerCount">Number of layers.</param>
/// <param name="VocabularySize">Number of token ids.</param>
/// <param name="Fingerprint">
/// 32 hexadecimal digits: a hash of the checkpoint's config.json and weights, which a folder that was prepared of it has too, in whatever
/// precision. Null where it is not known, which goes with any.
/// </param>
public sealed record ModelIdentity(string Family, int LayerCount, int VocabularySize, string? Fingerprint = null)
{
    /// <summary>Digits of a fingerprint.</summary>
    internal const int FingerprintLength = 32;

    /// <summary>Most layers that a profile may speak of.</summary>
    internal const int MaxLayerCount = 1024;

    /// <summary>In what another model differs, as a sentence's end (<c>of a model with 30 layers, and this one has 12</c>); null where it is the same.</summary>
    /// <param name="loaded">The other one.</param>
    internal string? FindDifference(ModelIdentity loaded) =>
        LayerCount != loaded.LayerCount ? $"of a model with {LayerCount} layers, and this one has {loaded.LayerCount}"
        : VocabularySize != loaded.VocabularySize ? $"of a model with {VocabularySize} token ids, and this one has {loaded.VocabularySize}"
        : Family != loaded.Family ? $"of a model of the family {Family}, and this one is {loaded.Family}"
        : Fingerprint is not null && loaded.Fingerprint is not null && Fingerprint != loaded.Fingerprint
            ? $"of another model of the same size: its weights or its config.json (fingerprint {Fingerprint}) are not those of this one ({loaded.Fingerprint})"
        : null;
}
