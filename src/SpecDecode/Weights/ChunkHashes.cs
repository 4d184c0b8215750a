using System.Buffers;
using System.Collections.Immutable;
using System.IO.Hashing;
using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

/// <summary>The hashes of a file's data, chunk by chunk, so that they can be compared on all cores.</summary>
internal sealed class ChunkHashes
{
    private const int ReadBytes = 1 << 20;

    private readonly ImmutableArray<ulong>.Builder _hashes = ImmutableArray.CreateBuilder<ulong>();
    private readonly XxHash3 _current = new();
    private int _filled;

    /// <summary>Adds data in the order in which it stands in the file.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int count = Math.Min(data.Length, PreparedWeightsFormat.ChunkBytes - _filled);
            _current.Append(data[..count]);
            data = data[count..];
            _filled += count;
            if (_filled == PreparedWeightsFormat.ChunkBytes)
            {
                Close();
            }
        }
    }

    /// <summary>The hashes of all that was appended.</summary>
    public ImmutableArray<ulong> Finish()
    {
        if (_filled > 0)
        {
            Close();
        }

        return _hashes.ToImmutable();
    }

    /// <summary>Whether the first <paramref name="length"/> bytes of the file still have these hashes.</summary>
    public static bool Match(
        SafeFileHandle file, long length, ImmutableArray<ulong> hashes, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        if (hashes.Length != (length + PreparedWeightsFormat.ChunkBytes - 1) / PreparedWeightsFormat.ChunkBytes)
        {
            return false;
        }

        int done = 0;
        try
        {
            return Parallel.For(0, hashes.Length, new ParallelOptions { CancellationToken = cancellationToken }, (chunk, loop) =>
            {
                long start = (long)chunk * PreparedWeightsFormat.ChunkBytes;
                if (!Match(file, start, Math.Min(length - start, PreparedWeightsFormat.ChunkBytes), hashes[chunk]))
                {
                    loop.Stop();
                }

                progress?.Report(new LoadProgress(LoadPhase.CheckingWeights, (double)Interlocked.Increment(ref done) / hashes.Length));
            }).IsCompleted;
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
            throw;
        }
    }

    private static bool Match(SafeFileHandle file, long start, long length, ulong expected)
    {
        XxHash3 hash = new();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            for (long done = 0; done < length;)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(ReadBytes, length - done));
                if (!PreparedWeightsFormat.ReadExactly(file, part, start + done))
                {
                    return false;
                }

                hash.Append(part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return hash.GetCurrentHashAsUInt64() == expected;
    }

    private void Close()
    {
        _hashes.Add(_current.GetCurrentHashAsUInt64());
        _current.Reset();
        _filled = 0;
    }
}
