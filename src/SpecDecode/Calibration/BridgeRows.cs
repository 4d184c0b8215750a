using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>Rows of the residual, brought to a mean square of 1, since the final norm takes their length out: <c>[n, d]</c>.</summary>
/// <param name="capacity">Most rows.</param>
/// <param name="width">Numbers d of a row.</param>
internal sealed class BridgeRows(int capacity, int width)
{
    /// <summary>The numbers, of which the first <see cref="Count"/> rows are there.</summary>
    public float[] Values { get; } = new float[capacity * width];

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>A row.</summary>
    public Span<float> this[int row] => Values.AsSpan(row * width, width);

    /// <summary>Adds a row.</summary>
    public void Add(ReadOnlySpan<float> row)
    {
        row.CopyTo(this[Count]);
        Normalise(this[Count++]);
    }

    /// <summary>Brings a row to a mean square of 1.</summary>
    /// <returns>What it was; a row without one, or with numbers that are none, becomes zeros.</returns>
    public static float Normalise(Span<float> row)
    {
        float length = TensorPrimitives.Norm<float>(row) / MathF.Sqrt(row.Length);
        if (!(length > 0) || !float.IsFinite(length))
        {
            row.Clear();
            return 0;
        }

        TensorPrimitives.Divide(row, length, row);
        return length;
    }
}
