namespace SpecDecode.Drafting;

/// <summary>The names of the ways to draft, for <see cref="DraftingOptions.Strategy"/>; read in any case.</summary>
public static class DraftingStrategy
{
    /// <summary>Plain decoding: nothing is drafted.</summary>
    public const string None = "none";

    /// <summary>
    /// Whatever pays: among early exits, the copy of the weights in lower precision where there is one, what the text itself proposes, and
    /// plain decoding, round by round and as far as it is expected to pay.
    /// </summary>
    public const string Auto = "auto";

    /// <summary>The drafter runs the first layers (LayerSkip, 2404.16710).</summary>
    public const string EarlyExit = "early-exit";

    /// <summary>The drafter leaves out attention and MLP blocks (SWIFT, 2410.06916).</summary>
    public const string LayerSkip = "layer-skip";

    /// <summary>Prompt lookup: what followed where the end of the text stood in it before, where that is expected to pay.</summary>
    public const string Lookup = "lookup";

    /// <summary>
    /// The drafter leaves out attention and MLP blocks that are searched for while the model serves (SWIFT, 2410.06916), on texts that it has just written:
    /// while nobody is served, and besides within <see cref="RuntimeOptions.SearchShare"/> of the time. How far it drafts is found as by <c>auto</c>.
    /// </summary>
    public const string Swift = "swift";

    /// <summary>The drafter runs a list of blocks that is given in code: <see cref="DraftingOptions.Of"/>.</summary>
    public const string Plan = "plan";
}
