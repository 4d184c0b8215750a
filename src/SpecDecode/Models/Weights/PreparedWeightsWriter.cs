using System.Collections.Immutable;
using System.Runtime.InteropServices;
using SpecDecode.Models.Checkpoints;

namespace SpecDecode.Models.Weights;

/// <summary>Converts a checkpoint's tensors by their recipes and writes them as a prepared-weights file.</summary>
internal sealed class PreparedWeightsWriter(Checkpoint checkpoint, Stream stream)
{
    private const int BufferFloats = 1 << 18;

    private readonly ChunkHashes _hashes = new();
    private long _position;

    /// <summary>Bytes that the data of these recipes takes, padding included.</summary>
    public static long DataLength(IEnumerable<TensorRecipe> recipes) =>
        recipes.Sum(recipe => Aligned(checked(recipe.Elements * sizeof(float))));

    /// <summary>Writes the whole file.</summary>
    /// <param name="key">What the file is made from and how.</param>
    /// <param name="recipes">The tensors in the order in which they are written.</param>
    /// <param name="progress">Told the bytes written so far.</param>
    /// <param name="cancellation">Ends the writing between pieces of a megabyte.</param>
    public void Write(string key, ImmutableArray<TensorRecipe> recipes, Action<long> progress, CancellationToken cancellation)
    {
        Span<byte> padding = stackalloc byte[PreparedWeightsFormat.Alignment];
        padding.Clear();
        ImmutableArray<PreparedTensor>.Builder tensors = ImmutableArray.CreateBuilder<PreparedTensor>(recipes.Length);
        foreach (TensorRecipe recipe in recipes)
        {
            tensors.Add(new PreparedTensor(recipe.Name, recipe.Shape, _position, recipe.Elements * sizeof(float)));
            foreach (TensorPart part in recipe.Parts)
            {
                WritePart(part, Math.Max(recipe.Columns, 1), progress, cancellation);
            }

            Append(padding[..(int)(Aligned(_position) - _position)]);
        }

        PreparedWeightsFormat.WriteTable(
            stream, new PreparedWeightsFormat.Table(key, _position, _hashes.Finish(), tensors.MoveToImmutable()));
    }

    private static long Aligned(long position) =>
        checked(position + PreparedWeightsFormat.Alignment - 1) / PreparedWeightsFormat.Alignment * PreparedWeightsFormat.Alignment;

    private void WritePart(TensorPart part, int columns, Action<long> progress, CancellationToken cancellation)
    {
        TensorEntry source = checkpoint.Tensors[part.Source];
        if (part.RowMap is null && part.ColumnMap is null)
        {
            WriteWhole(source, (long)part.Rows * columns, progress, cancellation);
        }
        else
        {
            WriteRows(part, source, columns, progress, cancellation);
        }

        checkpoint.DropPages(source);
    }

    private void WriteWhole(TensorEntry source, long elements, Action<long> progress, CancellationToken cancellation)
    {
        float[] buffer = new float[Math.Min(elements, BufferFloats)];
        for (long done = 0; done < elements;)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<float> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, elements - done));
            checkpoint.ReadFloats(source, done, piece);
            Append(MemoryMarshal.AsBytes(piece));
            done += piece.Length;
            progress(_position);
        }
    }

    private void WriteRows(TensorPart part, TensorEntry source, int columns, Action<long> progress, CancellationToken cancellation)
    {
        long sourceColumns = source.Shape.Length == 1 ? 1 : source.Shape[1];
        float[] from = new float[sourceColumns];
        float[] to = new float[columns];
        for (int row = 0; row < part.Rows; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            int sourceRow = part.RowMap is null ? row : part.RowMap[row];
            if (sourceRow < 0)
            {
                Array.Clear(to);
            }
            else
            {
                checkpoint.ReadFloats(source, sourceRow * sourceColumns, from);
                Arrange(from, to, part.ColumnMap);
            }

            Append(MemoryMarshal.AsBytes(to.AsSpan()));
            progress(_position);
        }
    }

    private static void Arrange(ReadOnlySpan<float> from, Span<float> to, int[]? columnMap)
    {
        if (columnMap is null)
        {
            from.CopyTo(to);
            return;
        }

        for (int i = 0; i < to.Length; i++)
        {
            to[i] = columnMap[i] < 0 ? 0f : from[columnMap[i]];
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _hashes.Append(bytes);
        _position += bytes.Length;
    }
}
