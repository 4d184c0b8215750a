using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Checkpoints;

/// <summary>
/// A file's bytes as memory, read-only. Reading is safe from several threads, disposing is not. The file must not be made
/// shorter meanwhile: the operating system ends a process that reads behind the end of a mapped file.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private MappedFile(MemoryMappedFile mapping, MemoryMappedViewAccessor view, long length)
    {
        _mapping = mapping;
        _view = view;
        Length = length;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += view.PointerOffset;
    }

    /// <summary>The first mapped byte; null once this is disposed.</summary>
    public byte* Start => _start;

    /// <summary>The number of mapped bytes.</summary>
    public long Length { get; }

    /// <summary>Maps an open file; the mapping does not own the handle.</summary>
    /// <param name="handle">The open file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="length">Its length, above 0.</param>
    /// <exception cref="CheckpointException">The operating system does not map it.</exception>
    public static MappedFile Map(SafeFileHandle handle, string path, long length)
    {
        MemoryMappedFile? mapping = null;
        try
        {
            mapping = MemoryMappedFile.CreateFromFile(
                handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new(mapping, mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure) || failure is OutOfMemoryException)
        {
            mapping?.Dispose();
            throw new CheckpointException(path, $"cannot be mapped into memory, {length} bytes ({failure.Message}); "
                + "use a 64-bit process and raise its limit of virtual memory", failure);
        }
    }

    /// <summary>Mapped bytes; they may be read only until this is disposed.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">How many.</param>
    public ReadOnlySpan<byte> Slice(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        CheckRange(offset, count);
        return new(_start + offset, count);
    }

    /// <summary>
    /// Tells the operating system that these pages, and the rest of the pages at both ends, need not stay in this process's
    /// memory. They can still be read and come from the file again. Only Linux is told.
    /// </summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many.</param>
    public void DropPages(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        CheckRange(offset, length);
        if (length > 0 && OperatingSystem.IsLinux())
            PageAdvice.DoNotNeed(_start, offset, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is null)
            return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
    }

    private void CheckRange(long offset, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length - offset);
    }
}
