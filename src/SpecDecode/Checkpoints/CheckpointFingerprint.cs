using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace SpecDecode.Checkpoints;

/// <summary>
/// A hash by which a converted model knows the checkpoint it was made of: XXH128 over the model's description and all its
/// weights. It finds damage and change; it is no protection against someone who means to deceive.
/// </summary>
internal static class CheckpointFingerprint
{
    private const int BufferLength = 1 << 20;

    /// <summary>
    /// Hashes name, length and bytes of each file. The weights are read through a pooled buffer, not through the mapping, so
    /// that they do not become part of the process's resident memory, and through the handle that is mapped, so that what is
    /// hashed is what is used.
    /// </summary>
    /// <param name="config">The description.</param>
    /// <param name="files">The weights, in the order of their names.</param>
    /// <param name="progress">Told the share that is done, once per megabyte; null for nobody.</param>
    /// <param name="cancellationToken">Asked once per megabyte.</param>
    /// <exception cref="CheckpointException">A file cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">A file was closed.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public static ContentHash Compute(
        ConfigDocument config, IReadOnlyList<SafetensorsFile> files, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        var hash = new XxHash128();
        AppendHead(hash, config.Stamp);
        hash.Append(config.Utf8.Span);
        long total = files.Sum(static file => file.Length);
        long done = 0;

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            foreach (var file in files)
            {
                AppendHead(hash, file.Stamp);
                for (long offset = 0; offset < file.Length;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var piece = buffer.AsSpan(0, (int)Math.Min(BufferLength, file.Length - offset));
                    CheckpointFile.ReadExactly(file.Handle, file.Path, offset, piece);
                    hash.Append(piece);
                    offset += piece.Length;
                    done += piece.Length;
                    progress?.Report(new LoadProgress(LoadPhase.CheckingWeights, (double)done / total));
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return ContentHash.Of(hash);
    }

    // The lengths come first, so that no two lists of files give the same bytes.
    private static void AppendHead(XxHash128 hash, FileStamp stamp)
    {
        byte[] name = Encoding.UTF8.GetBytes(stamp.Name);
        Span<byte> lengths = stackalloc byte[sizeof(int) + sizeof(long)];
        BinaryPrimitives.WriteInt32LittleEndian(lengths, name.Length);
        BinaryPrimitives.WriteInt64LittleEndian(lengths[sizeof(int)..], stamp.Length);
        hash.Append(lengths);
        hash.Append(name);
    }
}
