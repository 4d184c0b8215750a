using SpecDecode.Drafting.Profiles;

namespace SpecDecode.Pruning;

/// <summary>What a pruned model's card says beside what is in the folder, and what is checked before it is made.</summary>
public sealed record PruningOptions
{
    /// <summary>How the layers were chosen, in words that end a sentence: <c>by Block Influence (ShortGPT, 2403.03853)</c>. Null where nobody says.</summary>
    public string? ChosenBy { get; init; }

    /// <summary>What was measured of the model before and after; null where nothing was.</summary>
    public PruningEffect? Effect { get; init; }

    /// <summary>The model that the layers were chosen for, as a drafting profile names it: any other is refused. Null allows any.</summary>
    public ModelIdentity? ChosenFor { get; init; }
}
