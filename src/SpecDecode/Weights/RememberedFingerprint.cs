using SpecDecode.Checkpoints;

namespace SpecDecode.Weights;

/// <summary>
/// A checkpoint's fingerprint, which is remembered in the cache folder for as long as the system says the same of its files of weights;
/// config.json is read in full each time.
/// </summary>
/// <param name="checkpoint">The opened checkpoint.</param>
/// <param name="folder">The cache folder, which <see cref="CacheFolder"/> trusts.</param>
internal sealed class RememberedFingerprint(Checkpoint checkpoint, string folder)
{
    private readonly StampFile _file = StampFile.Of(folder, "checkpoint", checkpoint.Folder);

    /// <summary>The fingerprint that it had when it was last read; null where that is not known, or may have changed since.</summary>
    public ContentHash? Find() => TakeStamp() is { } stamp ? _file.Find(stamp) : null;

    /// <summary>Reads the whole checkpoint and remembers its fingerprint.</summary>
    /// <param name="progress">Told the share that is read; null for nobody.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="CheckpointException">A file cannot be read any more.</exception>
    public ContentHash Compute(IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        DateTime settledTime = FileState.SettledTime;
        Stamp? before = TakeStamp();
        ContentHash fingerprint = checkpoint.Fingerprint(progress, cancellationToken);
        if (before is not null && before.IsSettled(settledTime) && before.IsSame(TakeStamp()))
        {
            _file.Remember(before, fingerprint);
        }

        return fingerprint;
    }

    // Of links the files that they point to are open.
    private Stamp? TakeStamp() => Stamp.Of(
        checkpoint.Folder, ContentHash.Of(checkpoint.Config.Utf8.Span), checkpoint.WeightFiles.Select(file => (file.Stamp.Name, file.Handle)));
}
