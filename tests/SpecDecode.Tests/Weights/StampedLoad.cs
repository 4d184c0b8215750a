using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>What opening a model's weights did.</summary>
/// <param name="Path">The prepared file that it opened.</param>
/// <param name="Phases">What was told of, a report each: weights of the tests' size are read in one or a few.</param>
/// <param name="Warnings">What was warned of.</param>
internal sealed record StampedLoad(string Path, LoadPhase[] Phases, string[] Warnings)
{
    public static DateTime LongAgo { get; } = new(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    /// <summary>Whether anything was read in full.</summary>
    public bool HasRead => Phases.Contains(LoadPhase.CheckingWeights);

    public static StampedLoad Of(string folder, string? cache, bool verifies = false, Precision? precision = null)
    {
        using ModelFolder model = ModelFolder.Open(folder, new ModelOptions { CacheFolder = cache, VerifyWeights = verifies, Precision = precision });
        DecoderDescription description = ModelFamilies.Describe(model.Checkpoint);
        Told told = new();
        List<string> warnings = [];
        using PreparedWeights weights = model.OpenWeights(description, told, TestContext.Current.CancellationToken, warnings.Add);
        return new StampedLoad(weights.Path, [.. told.Phases], [.. warnings]);
    }

    /// <summary>
    /// Changes a byte of a file where it is, and puts its time back: as the system tells it, it is what it was. The time must be one
    /// that .NET has set, which counts in hundreds of nanoseconds.
    /// </summary>
    public static void DamageUnseen(string file, long place = -1)
    {
        DateTime time = File.GetLastWriteTimeUtc(file);
        using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = place < 0 ? stream.Length + place : place;
            int found = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(found ^ 1));
        }

        File.SetLastWriteTimeUtc(file, time);
    }

    /// <summary>Puts another file of the same bytes and time in the place of a file.</summary>
    public static void Replace(string file)
    {
        string other = file + ".other";
        File.Copy(file, other);
        File.SetLastWriteTimeUtc(other, File.GetLastWriteTimeUtc(file));
        File.Move(other, file, overwrite: true);
    }

    private sealed class Told : IProgress<LoadProgress>
    {
        private readonly Lock _gate = new();

        public List<LoadPhase> Phases { get; } = [];

        public void Report(LoadProgress value)
        {
            lock (_gate)
            {
                Phases.Add(value.Phase);
            }
        }
    }
}
