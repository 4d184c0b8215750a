namespace SpecDecode.Stages;

/// <summary>Which copy of a model's weights a pass runs on.</summary>
internal enum WeightSet
{
    /// <summary>The model itself, which verifies.</summary>
    Verifier,

    /// <summary>A copy in lower precision, which only drafts.</summary>
    Drafter,
}
