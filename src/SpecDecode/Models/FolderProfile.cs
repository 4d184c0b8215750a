using SpecDecode.Checkpoints;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Stages;

namespace SpecDecode.Models;

/// <summary>The drafting profile that lies in a model's folder. Nobody named it, so what is wrong with it is a warning.</summary>
internal static class FolderProfile
{
    /// <summary>Finds it.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="model">The model, which it must be of.</param>
    /// <param name="bridges">Gets its bridges; null where it is only looked at.</param>
    /// <param name="warn">Told why one that is there is not used.</param>
    /// <returns>The profile; null where there is none that can be used.</returns>
    public static DraftingProfile? Find(string folder, ModelIdentity model, BridgeSet? bridges, Action<string> warn)
    {
        string path = Path.Combine(folder, DraftingProfile.FileName);
        if (!CheckpointFolder.IsThere(path))
        {
            return null;
        }

        try
        {
            DraftingProfile profile = DraftingProfile.Load(path);
            foreach (string warning in profile.Warnings)
            {
                warn(warning);
            }

            string? doubt = ProfileFit.FindDoubt(profile, model)
                ?? (bridges?.FindErrorOrAdd(profile.Bridges) is { } problem ? $"{path}: this drafting profile is not used, since {problem}." : null);
            if (doubt is null)
            {
                return profile;
            }

            warn(doubt);
        }
        catch (SpecDecodeException error)
        {
            warn($"{error.Message} The drafting profile in the model's folder is not used.");
        }

        return null;
    }
}
