using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Weights;

/// <summary>
/// Converts a checkpoint's tensors by their recipes and writes them as a prepared-weights file. Rows are converted in panels
/// of a megabyte on all cores and written in order; so there is no more in memory than a few panels, and the scales of one
/// tensor.
/// </summary>
internal sealed class PreparedWeightsWriter(Checkpoint checkpoint, Stream stream)
{
    private const int PanelFloats = 1 << 18;

    // Above it a number rounds to an infinity of float16.
    private const float MaxHalf = 65519.996f;

    private readonly ChunkHashes _hashes = new();
    private readonly Panel[] _panels = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Panel())];
    private long _position;

    /// <summary>Bytes that the data of these recipes takes, padding included.</summary>
    public static long DataLength(IEnumerable<TensorRecipe> recipes) => recipes.Sum(recipe => recipe.Format.FileBytes(recipe.Shape));

    /// <summary>Writes the whole file.</summary>
    /// <param name="origin">What the file is made from and how.</param>
    /// <param name="recipes">The tensors in the order in which they are written.</param>
    /// <param name="progress">Told the bytes written so far.</param>
    /// <param name="cancellationToken">Ends the writing between panels.</param>
    /// <exception cref="CheckpointException">A weight that has to be rounded is not a finite number.</exception>
    public void Write(WeightOrigin origin, ImmutableArray<TensorRecipe> recipes, Action<long> progress, CancellationToken cancellationToken)
    {
        ImmutableArray<PreparedTensor>.Builder tensors = ImmutableArray.CreateBuilder<PreparedTensor>(recipes.Length);
        foreach (TensorRecipe recipe in recipes)
        {
            tensors.Add(new PreparedTensor(recipe.Name, recipe.Shape, recipe.Format, _position));
            Write(recipe, progress, cancellationToken);
        }

        PreparedWeightsFormat.WriteTable(
            stream, new PreparedWeightsFormat.Table(
            PreparedWeightsFormat.VersionOf(origin.Settings.Layout), origin.Key(recipes), origin, _position, _hashes.Finish(), tensors.MoveToImmutable()));
    }

    private void Write(TensorRecipe recipe, Action<long> progress, CancellationToken cancellationToken)
    {
        TensorRows rows = new(checkpoint, recipe);
        TensorFormat format = recipe.Format;
        int columns = rows.Columns;
        bool isInPanels = format.Layout == TensorLayout.Panels;
        int panelRows = isInPanels ? Math.Max(1, PanelFloats / columns / PanelLayout.Outputs) * PanelLayout.Outputs : Math.Max(1, PanelFloats / columns);
        panelRows = (int)Math.Min(panelRows, recipe.Rows);
        byte[] scales = new byte[isInPanels ? 0 : recipe.Rows * format.ScaleBytes(columns)];
        byte[] zeroPoints = new byte[isInPanels ? 0 : recipe.Rows * format.ZeroPointBytes(columns)];

        for (long first = 0; first < recipe.Rows;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int used = 0;
            for (; used < _panels.Length && first < recipe.Rows; used++)
            {
                int count = (int)Math.Min(panelRows, recipe.Rows - first);
                _panels[used].Take(first, count);
                first += count;
            }

            Convert(used, panel => panel.Convert(rows, format, scales, zeroPoints));
            foreach (Panel panel in _panels.AsSpan(0, used))
            {
                Append(panel.Values);
            }

            progress(_position);
        }

        Pad();
        Append(scales);
        Pad();
        Append(zeroPoints);
        Pad();
        progress(_position);
        rows.DropPages();
    }

    private void Convert(int used, Action<Panel> convert)
    {
        if (used == 1)
        {
            convert(_panels[0]);
            return;
        }

        try
        {
            Parallel.For(0, used, i => convert(_panels[i]));
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }
    }

    private void Pad()
    {
        Span<byte> padding = stackalloc byte[TensorFormat.Alignment];
        padding.Clear();
        Append(padding[..(int)(TensorFormat.Aligned(_position) - _position)]);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _hashes.Append(bytes);
        _position += bytes.Length;
    }

    /// <summary>Consecutive rows of a tensor, converted by one thread; its buffers are used again.</summary>
    private sealed class Panel
    {
        private float[] _rows = [];
        private byte[] _values = [];
        private long _first;
        private int _count;
        private int _bytes;

        /// <summary>The converted values.</summary>
        public ReadOnlySpan<byte> Values => _values.AsSpan(0, _bytes);

        public void Take(long first, int count)
        {
            _first = first;
            _count = count;
        }

        /// <summary>Converts the rows; scales and zero points go to their places among those of the whole tensor.</summary>
        public void Convert(TensorRows source, TensorFormat format, byte[] scales, byte[] zeroPoints)
        {
            int columns = source.Columns;
            _bytes = checked((int)(format.Layout == TensorLayout.Panels ? format.PanelsBytes(_count, columns) : _count * format.ValueBytes(columns)));
            Grow(ref _values, _bytes);
            if (format.Precision == Precision.Fp32 && format.Layout == TensorLayout.Rows)
            {
                source.Read(_first, MemoryMarshal.Cast<byte, float>(_values.AsSpan(0, _bytes)));
                return;
            }

            Grow(ref _rows, checked(_count * columns));
            source.Read(_first, _rows.AsSpan(0, _count * columns));
            if (format.Precision == Precision.Fp16)
            {
                CheckHalves(source);
            }

            if (format.Layout == TensorLayout.Panels)
            {
                Pack(source, format);
                return;
            }

            if (!format.IsQuantized)
            {
                PanelPacker.Narrow(format.Precision, _rows.AsSpan(0, _count * columns), MemoryMarshal.Cast<byte, ushort>(_values.AsSpan(0, _bytes)));
                return;
            }

            int valueBytes = (int)format.ValueBytes(columns);
            int scaleBytes = (int)format.ScaleBytes(columns);
            int zeroPointBytes = (int)format.ZeroPointBytes(columns);
            for (int i = 0; i < _count; i++)
            {
                int bad = BlockQuantizer.Quantize(
                    _rows.AsSpan(i * columns, columns), format, _values.AsSpan(i * valueBytes, valueBytes),
                    MemoryMarshal.Cast<byte, float>(scales.AsSpan(checked((int)((_first + i) * scaleBytes)), scaleBytes)),
                    zeroPoints.AsSpan(checked((int)((_first + i) * zeroPointBytes)), zeroPointBytes));
                if (bad >= 0)
                {
                    throw NotFinite(source, _first + i, _rows[i * columns + bad]);
                }
            }
        }

        // Panel by panel; of the last one there may be less.
        private void Pack(TensorRows source, TensorFormat format)
        {
            int columns = source.Columns;
            int panelBytes = checked((int)PanelLayout.PanelBytes(format, columns));
            byte[] values = new byte[format.ValueBytes(columns)];
            float[] scales = new float[format.ScaleBytes(columns) / sizeof(float)];
            byte[] zeroPoints = new byte[format.ZeroPointBytes(columns)];
            for (int first = 0; first < _count; first += PanelLayout.Outputs)
            {
                int count = Math.Min(PanelLayout.Outputs, _count - first);
                Span<byte> panel = _values.AsSpan(first / PanelLayout.Outputs * panelBytes, panelBytes);
                if (!format.IsQuantized)
                {
                    PanelPacker.PackFloats(format.Precision, _rows.AsSpan(first * columns, count * columns), columns, panel);
                    continue;
                }

                panel.Clear();
                for (int i = 0; i < count; i++)
                {
                    ReadOnlySpan<float> row = _rows.AsSpan((first + i) * columns, columns);
                    if (BlockQuantizer.Quantize(row, format, values, scales, zeroPoints) is >= 0 and var bad)
                    {
                        throw NotFinite(source, _first + first + i, row[bad]);
                    }

                    PanelPacker.PackBlocks(format, i, values, scales, zeroPoints, panel);
                }
            }
        }

        // What float16 does not hold would become an infinity, which the kernels have no place for.
        private void CheckHalves(TensorRows source)
        {
            int columns = source.Columns;
            int bad = _rows.AsSpan(0, _count * columns).IndexOfAnyExceptInRange(-MaxHalf, MaxHalf);
            if (bad >= 0)
            {
                (TensorEntry tensor, long sourceRow) = source.Origin(_first + bad / columns);
                throw new CheckpointException(tensor.File, FormattableString.Invariant(
                    $"tensor {CheckpointText.Quote(tensor.Name)} holds {_rows[bad]} in row {sourceRow}, which is no finite number of 16 bits (fp16): download the checkpoint again, or load it in fp32"));
            }
        }

        private static void Grow<T>(ref T[] buffer, int length)
        {
            if (buffer.Length < length)
            {
                buffer = new T[length];
            }
        }

        private static CheckpointException NotFinite(TensorRows source, long row, float weight)
        {
            (TensorEntry tensor, long sourceRow) = source.Origin(row);
            return new CheckpointException(tensor.File, FormattableString.Invariant(
                $"tensor {CheckpointText.Quote(tensor.Name)} holds {weight} in row {sourceRow}, and only finite weights can be rounded to fewer bits: download the checkpoint again, or load it in float32"));
        }
    }
}
