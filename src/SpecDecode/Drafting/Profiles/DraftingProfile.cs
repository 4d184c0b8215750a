using SpecDecode.Plans;

namespace SpecDecode.Drafting.Profiles;

/// <summary>
/// How a certain model drafts best: plans, the best first, found by calibration or written by hand. A JSON file, which docs/drafting.md
/// explains and DraftingProfileSchema.json describes. What a profile says never changes a text, only how fast it comes. Immutable, compared by value.
/// </summary>
public sealed record DraftingProfile
{
    /// <summary>The version of the format that is written: major and minor.</summary>
    public const string FormatVersion = "1.3";

    /// <summary>The name by which a profile in a model's folder is found.</summary>
    public const string FileName = "specdecode-profile.json";

    /// <summary>Most plans of a profile.</summary>
    public const int MaxPlans = 32;

    /// <summary>Most bytes of a file.</summary>
    public const int MaxFileBytes = 1 << 20;

    /// <summary>The model that the plans are for.</summary>
    public required ModelIdentity Model { get; init; }

    /// <summary>Where the figures come from; null where nobody says.</summary>
    public ProfileMeasurement? Measured { get; init; }

    /// <summary>The plans, the best first; 1 to <see cref="MaxPlans"/>, no two of the same blocks on the same weights.</summary>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public required IReadOnlyList<ProfilePlan> Plans
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list of plans.");
    }

    /// <summary>
    /// The bridges that plans end with (<see cref="LayerPlan.Bridge"/>), one behind a layer at most. On the disk they lie in a file beside the profile, which the
    /// profile names.
    /// </summary>
    /// <value>The default is none.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<LinearBridge> Bridges
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list, which may be empty.");
    } = [];

    /// <summary>What of a file of a later version is not used, a sentence each; empty else. Not part of what is compared and saved.</summary>
    public IReadOnlyList<string> Warnings { get; internal init; } = [];

    /// <summary>The file that it was read from, for messages; null of one that was made in code.</summary>
    internal string? Source { get; init; }

    /// <summary>Reads a profile, and the file with its bridges where it names one.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SpecDecodeException">One of them cannot be read, is damaged, or of a version that this library does not read.</exception>
    public static DraftingProfile Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ProfileReader.Read(ProfileFile.Read(path), path, (name, layers, fingerprint) => BridgeFile.Read(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name), layers, fingerprint));
    }

    /// <summary>Reads a profile from memory. Plans with bridges, which lie in a file beside it, are passed over with a warning.</summary>
    /// <param name="utf8">The JSON.</param>
    /// <param name="source">What errors call it: the file.</param>
    /// <exception cref="SpecDecodeException">It is no profile, or of a version that this library does not read.</exception>
    public static DraftingProfile Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return ProfileReader.Read(utf8, source, null);
    }

    /// <summary>Writes the profile, and where it has bridges the file with those; it is there whole, or as it was before.</summary>
    /// <param name="path">The file, whose folder must exist; one that is there is replaced.</param>
    /// <exception cref="SpecDecodeException">The profile is none that could be read again, or the file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] utf8 = Check(path);
        if (Bridges.Count > 0)
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            BridgeFile.Write(Path.Combine(folder, BridgeFile.NameBeside(path, BridgeFile.Fingerprint(Bridges))), Bridges);
        }

        ProfileFile.Write(path, utf8);
    }

    /// <summary>Refuses a profile that could not be read again: one that was made in code may say anything.</summary>
    /// <param name="name">What errors call it.</param>
    /// <returns>It as JSON.</returns>
    /// <exception cref="SpecDecodeException">It is one.</exception>
    internal byte[] Check(string name)
    {
        byte[] utf8 = ProfileWriter.Write(this, name);
        ProfileReader.Read(utf8, name, (_, _, _) => Bridges);
        return utf8;
    }

    /// <inheritdoc/>
    public bool Equals(DraftingProfile? other) =>
        other is not null && Model == other.Model && Measured == other.Measured && Plans.SequenceEqual(other.Plans) && Bridges.SequenceEqual(other.Bridges);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Model, Plans.Count);

    /// <summary>The profile in words.</summary>
    public override string ToString() => $"{Source ?? "profile"}: {Plans.Count} plans for {Model.Family}, {Model.LayerCount} layers";
}
