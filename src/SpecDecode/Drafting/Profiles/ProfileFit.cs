namespace SpecDecode.Drafting.Profiles;

/// <summary>What a profile means for a loaded model: the plans that it can run.</summary>
/// <param name="Plans">Those, the best first; at least one.</param>
/// <param name="Warnings">What of the profile is not used, a sentence each.</param>
internal sealed record ProfileFit(IReadOnlyList<ProfilePlan> Plans, IReadOnlyList<string> Warnings)
{
    /// <summary>The option that names a profile.</summary>
    public static OptionName Option { get; } = new("Drafting", nameof(DraftingOptions.Profile));

    /// <summary>Compares a profile with a model.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="model">The model.</param>
    /// <param name="hasDraftWeights">Whether it is loaded with a copy of its weights for drafting.</param>
    /// <exception cref="OptionException">The profile is of another model, or all its plans need a copy of the weights that is not there.</exception>
    public static ProfileFit Of(DraftingProfile profile, ModelIdentity model, bool hasDraftWeights)
    {
        string source = profile.Source ?? "a profile";
        if (profile.Model.FindDifference(model) is { } difference)
        {
            throw new OptionException($"{Option} is {source}, {difference}: {Mend(profile, model)}.");
        }

        ProfilePlan[] plans = [.. profile.Plans.Where(plan => hasDraftWeights || !plan.UsesDraftWeights)];
        if (plans.Length == 0)
        {
            throw new OptionException(
                $"{Option} is {source}, all of whose plans draft on a copy of the weights in lower precision, and the model is loaded without one: load it with {OptionName.OfModel(nameof(ModelOptions.DraftPrecision))}{PrecisionOf(profile)}, or name another profile.");
        }

        return plans.Length == profile.Plans.Count ? new ProfileFit(plans, profile.Warnings) : new ProfileFit(plans,
        [
            .. profile.Warnings,
            $"{source}: of its {profile.Plans.Count} plans {profile.Plans.Count - plans.Length} would draft on a copy of the weights in lower precision, which the model is loaded without: load it with {nameof(ModelOptions.DraftPrecision)}{PrecisionOf(profile)} to have all.",
        ]);
    }

    /// <summary>Why a profile that nobody named is not used, a sentence; null where it is.</summary>
    public static string? FindDoubt(DraftingProfile profile, ModelIdentity model) => profile.Model.FindDifference(model) is { } difference
        ? $"{profile.Source}: this drafting profile is not used, since it is {difference}: {Mend(profile, model)}."
        : null;

    // Where only the fingerprint differs, whoever knows better can say so.
    private static string Mend(DraftingProfile profile, ModelIdentity model) => (profile.Model with { Fingerprint = null }).FindDifference(model) is null
        ? "calibrate this model, or remove the fingerprint from the file to go by family and sizes alone"
        : "calibrate this model, or take the profile that is its own";

    private static string PrecisionOf(DraftingProfile profile) => profile.Measured?.DraftPrecision is { } precision ? $" {precision.Name()}" : "";
}
