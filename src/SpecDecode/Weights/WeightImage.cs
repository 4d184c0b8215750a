using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;

namespace SpecDecode.Weights;

/// <summary>A file of weights as memory that kernels read: the file itself, mapped, or a copy in large pages.</summary>
internal sealed unsafe class WeightImage : IDisposable
{
    private const int LargePageBytes = 2 << 20;
    private const int ReadBytes = 16 << 20;

    private readonly MappedFile? _mapping;
    private void* _copy;

    private WeightImage(MappedFile? mapping, void* copy)
    {
        _mapping = mapping;
        _copy = copy;
    }

    /// <summary>Frees what was never disposed.</summary>
    ~WeightImage() => Free();

    /// <summary>The first byte; valid until this is disposed.</summary>
    public byte* Start => _mapping is not null ? _mapping.Start : (byte*)_copy;

    /// <summary>Makes it.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="length">How long it was when it was found to be whole.</param>
    /// <param name="memory">Which of the two.</param>
    /// <exception cref="SpecDecodeException">It cannot be mapped or read, has become shorter, or there is no memory for a copy.</exception>
    public static WeightImage Open(SafeFileHandle handle, string path, long length, WeightMemory memory)
    {
        if (RandomAccess.GetLength(handle) < length)
        {
            throw Shorter(path);
        }

        return memory == WeightMemory.Mapped ? new WeightImage(MappedFile.Map(handle, path, length), null) : new WeightImage(null, Copy(handle, path, length));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void* Copy(SafeFileHandle handle, string path, long length)
    {
        void* copy;
        try
        {
            copy = NativeMemory.AlignedAlloc(checked((nuint)(length + LargePageBytes - 1) / LargePageBytes * LargePageBytes), LargePageBytes);
        }
        catch (OutOfMemoryException error)
        {
            throw new OptionException(
                $"There is no memory for a copy of {path}, {length >> 20} MB: set {OptionName.OfModel(nameof(ModelOptions.WeightMemory))} to Mapped, or allow more memory.", error);
        }

        try
        {
            if (OperatingSystem.IsLinux())
            {
                PageAdvice.UseLargePages((byte*)copy, length);
            }

            int parts = checked((int)((length + ReadBytes - 1) / ReadBytes));
            bool isWhole = true;
            Parallel.For(0, parts, part =>
            {
                long first = (long)part * ReadBytes;
                if (!PreparedWeightsFormat.ReadExactly(handle, new Span<byte>((byte*)copy + first, (int)Math.Min(ReadBytes, length - first)), first))
                {
                    Volatile.Write(ref isWhole, false);
                }
            });
            return isWhole ? copy : throw Shorter(path);
        }
        catch (AggregateException errors) when (errors.InnerException is IOException error)
        {
            NativeMemory.AlignedFree(copy);
            throw CheckpointFile.Unreadable(path, error);
        }
        catch
        {
            NativeMemory.AlignedFree(copy);
            throw;
        }
    }

    private static CheckpointException Shorter(string path) => new(path, "became shorter while it was read: load the model again");

    private void Free()
    {
        _mapping?.Dispose();
        NativeMemory.AlignedFree(_copy);
        _copy = null;
    }
}
