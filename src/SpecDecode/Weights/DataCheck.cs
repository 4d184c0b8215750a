using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;

namespace SpecDecode.Weights;

/// <summary>
/// Whether the data of a prepared file still have the hashes in its table. They are read where that is asked for or the file is not known;
/// a file of which the system says the same as when it was read, or as when this process had written it, counts as checked.
/// </summary>
/// <param name="memory">Where it is remembered; null for nowhere.</param>
/// <param name="isAsked">Whether the data are read in any case.</param>
internal sealed class DataCheck(StampFile? memory, bool isAsked)
{
    /// <summary>What the system says of the file that this process has written; null where it has written none.</summary>
    public FileState? Written { get; set; }

    /// <summary>Whether the data are those that were written.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="path">Its full path.</param>
    /// <param name="table">Its table, whose own hash is right.</param>
    /// <param name="progress">Told the share that has been compared.</param>
    /// <param name="cancellationToken">Ends the comparing.</param>
    public bool Passes(
        SafeFileHandle file, string path, PreparedWeightsFormat.Table table, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        DateTime settledTime = FileState.SettledTime;
        FileState? state = FileState.Of(file);
        ContentHash content = ContentOf(table);
        Stamp? stamp = TakeStamp();
        bool isOwn = state is not null && state == Written;
        if (!isAsked && !isOwn && stamp is not null && memory?.Find(stamp) is not null)
        {
            return true;
        }

        if ((isAsked || !isOwn) && !ChunkHashes.Match(file, table.DataLength, table.ChunkHashes, progress, cancellationToken))
        {
            return false;
        }

        if (stamp is not null && stamp.IsSettled(settledTime) && stamp.IsSame(TakeStamp()))
        {
            memory?.Remember(stamp, content);
        }

        return true;

        Stamp? TakeStamp() => Stamp.Of(path, content, [(Path.GetFileName(path), file)]);
    }

    // What the table says of the data: another file in the place of this one has other hashes, whatever its time is.
    private static ContentHash ContentOf(PreparedWeightsFormat.Table table)
    {
        XxHash128 hash = new();
        hash.Append(Encoding.UTF8.GetBytes(table.Key));
        hash.Append(MemoryMarshal.AsBytes(table.ChunkHashes.AsSpan()));
        return ContentHash.Of(hash);
    }
}
