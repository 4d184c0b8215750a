using System.Globalization;
using Microsoft.Extensions.Logging;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;

namespace SpecDecode.Hosting;

/// <summary>The section Drafting of a loaded model: whether its options go with the model, the profile that they name, and what is told of both.</summary>
/// <param name="model">The model.</param>
/// <param name="hasDraftWeights">Whether it is loaded with a copy of its weights for drafting.</param>
/// <param name="found">The profile that lies in its folder; null where there is none.</param>
internal sealed class DefaultDrafting(ModelIdentity model, bool hasDraftWeights, DraftingProfile? found)
{
    /// <summary>Options with the profile that they name read, where they name one.</summary>
    /// <param name="options">The options.</param>
    /// <param name="fullPath">Makes the path of a profile absolute.</param>
    /// <exception cref="SpecDecodeException">The profile cannot be read, or is damaged.</exception>
    public static DraftingOptions Read(DraftingOptions options, Func<string, string> fullPath) =>
        options.Profile is { } path ? options.WithFile(fullPath(path)) : options;

    /// <summary>Options that go with the model, with their profile read.</summary>
    /// <param name="options">The options.</param>
    /// <param name="place">What stands before an option's name in an error.</param>
    /// <param name="fullPath">Makes the path of a profile absolute.</param>
    /// <exception cref="SpecDecodeException">They do not go with it, or the profile cannot be used.</exception>
    public DraftingOptions Checked(DraftingOptions options, string place, Func<string, string> fullPath)
    {
        if (options.Errors(hasDraftWeights).FirstOrDefault() is { } error)
        {
            throw new SpecDecodeException(place + error);
        }

        options = Read(options, fullPath);
        if (options.FindProfile() is { } profile)
        {
            ProfileFit.Of(profile, model, hasDraftWeights);
        }

        options.Resolve(model.LayerCount, hasDraftWeights, place);
        return options;
    }

    /// <summary>Logs which profile there is, and what drafting makes of it; nothing where there is none.</summary>
    /// <param name="logger">Where to.</param>
    /// <param name="name">What the model is called.</param>
    /// <param name="options">Options that were <see cref="Checked"/>.</param>
    public void Tell(ILogger logger, string name, DraftingOptions options)
    {
        DraftingProfile? named = options.FindProfile();
        if ((named ?? found) is not { } profile)
        {
            return;
        }

        if (named is not null)
        {
            foreach (string warning in ProfileFit.Of(named, model, hasDraftWeights).Warnings)
            {
                logger.LoadWarning(name, warning);
            }
        }

        string use = options.IsAuto && (named is not null || options.Resolve(model.LayerCount, hasDraftWeights, "") is null) ? "auto chooses from them"
            : named is not null ? "the model drafts by the best of them"
            : "Drafting does not ask for it";
        ProfilePlan[] plans = [.. profile.Plans.Where(plan => hasDraftWeights || !plan.UsesDraftWeights)];
        logger.Profile(name, profile.Source ?? "code", profile.Plans.Count, plans.Length,
            plans.FirstOrDefault()?.MeasuredSpeedup?.ToString("f2", CultureInfo.InvariantCulture) ?? "not known", use);
    }
}
