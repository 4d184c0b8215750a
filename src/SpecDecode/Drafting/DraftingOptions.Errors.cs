namespace SpecDecode.Drafting;

/// <summary>What is wrong with drafting options, and what does not go together.</summary>
public sealed partial record DraftingOptions
{
    /// <summary>What is wrong with the options whatever the model, a sentence each, which begins with the option's name and says the mend.</summary>
    /// <param name="hasDraftWeights">Whether the model is loaded with a copy of its weights for drafting.</param>
    internal IEnumerable<string> Errors(bool hasDraftWeights)
    {
        if (ExitLayer < 1)
        {
            yield return $"ExitLayer is {ExitLayer}: give 1 to the number of layers of the model.";
        }

        if (DraftLength is < 1 or > MaxDraftLength)
        {
            yield return $"DraftLength is {DraftLength}: give 1 to {MaxDraftLength}, or Strategy none to draft nothing.";
        }

        if (!(Threshold is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"Threshold is {Threshold}: give a probability from 0 to 1.");
        }

        if (DraftCascade.FindError(this, Name, _cascadeLength is not null) is { } cascade)
        {
            yield return cascade;
        }

        if (FindPolicyError() is { } policy)
        {
            yield return policy;
        }

        if (Profile is "" && !IsNone)
        {
            yield return "Profile is empty: name the file of a drafting profile, or leave it out.";
        }

        bool skips = SkipAttention.Count + SkipMlp.Count > 0;
        string? contradiction = HasProfile ? ProfileConflict(skips) : null;
        if (contradiction is not null)
        {
            yield return contradiction;
            yield break;
        }

        contradiction = Name switch
        {
            DraftingStrategy.None => null,
            DraftingStrategy.EarlyExit when ExitLayer is null && !hasDraftWeights =>
                "Strategy is early-exit, which needs ExitLayer: give how many layers the drafter runs.",
            DraftingStrategy.EarlyExit when skips =>
                "Strategy is early-exit, which skips no single blocks: remove SkipAttention and SkipMlp, or use layer-skip.",
            DraftingStrategy.EarlyExit => null,
            DraftingStrategy.LayerSkip when !skips =>
                "Strategy is layer-skip, which needs SkipAttention or SkipMlp: name the layers whose blocks the drafter leaves out.",
            DraftingStrategy.LayerSkip when ExitLayer is not null => "Strategy is layer-skip, which has no exit: remove ExitLayer, or use early-exit.",
            DraftingStrategy.LayerSkip => null,
            DraftingStrategy.Auto or DraftingStrategy.Lookup or DraftingStrategy.Swift when Threshold is > 0 and <= 1 =>
                $"{NameInWords}, which finds where to stop by itself: remove Threshold, or use early-exit or layer-skip.",
            DraftingStrategy.Auto when skips && ExitLayer is not null =>
                $"{NameInWords} with both ExitLayer and SkipAttention or SkipMlp: give one of them to draft with, or neither to let it choose.",
            DraftingStrategy.Auto => null,
            DraftingStrategy.Lookup when skips || ExitLayer is not null =>
                "Strategy is lookup, which runs no layers to draft: remove ExitLayer, SkipAttention and SkipMlp, or use auto.",
            DraftingStrategy.Lookup => null,
            DraftingStrategy.Swift when skips || ExitLayer is not null =>
                "Strategy is swift, which searches for the layers to leave out: remove ExitLayer, SkipAttention and SkipMlp, or use layer-skip.",
            DraftingStrategy.Swift => null,
            DraftingStrategy.Plan when _plan is not null && (skips || ExitLayer is not null) =>
                "Strategy is plan, whose blocks are all named: remove ExitLayer, SkipAttention and SkipMlp, or use early-exit or layer-skip.",
            DraftingStrategy.Plan when _plan is not null => null,
            _ => $"Strategy is '{Strategy}': give one of {DraftingStrategy.None}, {DraftingStrategy.Auto}, {DraftingStrategy.EarlyExit}, {DraftingStrategy.LayerSkip}, {DraftingStrategy.Lookup}, {DraftingStrategy.Swift}.",
        };
        if (contradiction is not null)
        {
            yield return contradiction;
        }
    }

    private string NameInWords => Strategy is null ? $"Strategy is {Name}, the default" : $"Strategy is {Name}";

    // A policy that would decide nothing, or against what else is given.
    private string? FindPolicyError() => DraftingPolicy.Find(PolicyName) is null
        ? $"Policy is '{Policy}': give one of {DraftingPolicy.Fixed}, {DraftingPolicy.AdaptiveThreshold}, {DraftingPolicy.ConfidenceStop}."
        : PolicyName == DraftingPolicy.Fixed || IsNone ? null
        : _policy is not null ? $"Policy is {PolicyName} beside a policy of one's own: remove Policy, or leave WithPolicy out."
        : HasProfile && !FindsLength ? $"Policy is {PolicyName}, and Profile says how far is drafted: remove Policy, or Profile."
        : FindsLength ? $"Policy is {PolicyName}, but the strategy {(Strategy is null ? $"{Name}, the default," : Name)} decides by itself: remove Policy, or use early-exit or layer-skip."
        : PolicyName == DraftingPolicy.AdaptiveThreshold && Threshold > 0 ? $"Policy is {PolicyName}, which finds its threshold: remove Threshold, or use {DraftingPolicy.Fixed} or {DraftingPolicy.ConfidenceStop}."
        : null;

    // What is given beside a profile, which says all of it.
    private string? ProfileConflict(bool skips)
    {
        string? given = ExitLayer is not null ? nameof(ExitLayer) : skips ? "SkipAttention and SkipMlp" : null;
        return Name switch
        {
            DraftingStrategy.None when given is not null => $"Profile says which blocks the drafter runs: remove {given}, or Profile.",
            DraftingStrategy.None when _draftLength is not null => "Profile says how long drafts are: remove DraftLength, or give Strategy auto, which takes it as a bound.",
            DraftingStrategy.None when Threshold > 0 => "Profile says where drafts stop: remove Threshold, or Profile.",
            DraftingStrategy.None => null,
            DraftingStrategy.Auto when given is not null => $"Strategy is auto with both Profile and {given}: give one of them to choose from.",
            DraftingStrategy.Auto => null,
            DraftingStrategy.EarlyExit or DraftingStrategy.LayerSkip or DraftingStrategy.Lookup or DraftingStrategy.Swift or DraftingStrategy.Plan =>
                $"Strategy is {Name}, and Profile says how to draft, too: remove Profile, or leave Strategy out; with Strategy auto the profile's plans are chosen from.",
            _ => null,
        };
    }
}
