using Microsoft.Win32.SafeHandles;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// One safetensors file, mapped into memory read-only, its whole header checked. Reading is safe from several threads,
/// disposing is not.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    private readonly MappedFile _mapped;

    private SafetensorsFile(
        SafeFileHandle handle, MappedFile mapped, FileStamp stamp, string path, Dictionary<string, TensorEntry> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Handle = handle;
        _mapped = mapped;
        Stamp = stamp;
        Path = path;
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes.</summary>
    public long Length => Stamp.Length;

    /// <summary>Name and length as they were at opening.</summary>
    public FileStamp Stamp { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>What the header says beside tensors, such as <c>format</c>; may be empty.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The open file, the same that is mapped; owned by this.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens, checks and maps a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It is missing, unreadable or damaged.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!BitConverter.IsLittleEndian)
        {
            throw new CheckpointException(path, "cannot be read on a big-endian machine, for its numbers are little-endian; "
                + "use a little-endian machine");
        }

        path = CheckpointFile.FullPath(path);
        var handle = CheckpointFile.Open(path);
        try
        {
            var stamp = FileStamp.Of(handle, path);
            var tensors = SafetensorsHeader.Read(handle, path, stamp.Length, out var metadata);
            return new(handle, MappedFile.Map(handle, path, stamp.Length), stamp, path, tensors, metadata);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Mapped bytes of a piece of a tensor, as stored; they may be read only until this is disposed.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="start">The piece's first byte, counted from the tensor's first.</param>
    /// <param name="count">The piece's length in bytes.</param>
    /// <exception cref="ArgumentException">The tensor is another file's, or the piece is not within the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public ReadOnlySpan<byte> Bytes(TensorEntry tensor, long start, int count)
    {
        CheckOwn(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, tensor.Length - start);
        return _mapped.Slice(tensor.Offset + start, count);
    }

    /// <summary>
    /// Tells the operating system that a tensor's pages are not needed any more, so that they do not count as this process's
    /// memory; they can still be read. Linux only, nothing happens elsewhere.
    /// </summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <exception cref="ArgumentException">The tensor is another file's.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public void DropPages(TensorEntry tensor)
    {
        CheckOwn(tensor);
        _mapped.DropPages(tensor.Offset, tensor.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mapped.Dispose();
        Handle.Dispose();
    }

    private void CheckOwn(TensorEntry tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!string.Equals(tensor.File, Path, StringComparison.Ordinal))
            throw new ArgumentException($"The tensor {Quote(tensor.Name)} lies in {tensor.File}, not in {Path}.", nameof(tensor));
        if (tensor.Offset < 0 || tensor.Length < 0 || tensor.Offset > Length - tensor.Length)
            throw new ArgumentException($"The tensor {Quote(tensor.Name)} lies outside of {Path}.", nameof(tensor));
    }
}
