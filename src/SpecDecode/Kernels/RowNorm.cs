using System.Numerics;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>A normalisation of rows, with weights by address.</summary>
internal unsafe struct RowNorm
{
    /// <summary>The formula.</summary>
    public NormKind Kind;

    /// <summary>ε under the root.</summary>
    public float Epsilon;

    /// <summary>The scale, <c>[width]</c>.</summary>
    public float* Weight;

    /// <summary>What is added by a layer norm, <c>[width]</c>.</summary>
    public float* Bias;

    /// <summary>Normalises a row; what comes out depends on its numbers alone.</summary>
    /// <param name="row">The row.</param>
    /// <param name="width">Its width.</param>
    /// <param name="to">Takes the result; may be the row.</param>
    public readonly void Apply(float* row, int width, float* to)
    {
        float mean = Kind == NormKind.Layer ? Sum(row, width, 0, squares: false) / width : 0;
        float factor = 1 / MathF.Sqrt((Sum(row, width, mean, squares: true) / width) + Epsilon);
        float offset = Kind == NormKind.RmsAroundOne ? 1 : 0;
        Vector<float> means = new(mean);
        Vector<float> factors = new(factor);
        Vector<float> offsets = new(offset);
        int i = 0;
        for (; i <= width - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> x = (Vector.Load(row + i) - means) * factors * (Vector.Load(Weight + i) + offsets);
            Vector.Store(Kind == NormKind.Layer ? x + Vector.Load(Bias + i) : x, to + i);
        }

        for (; i < width; i++)
        {
            float x = (row[i] - mean) * factor * (Weight[i] + offset);
            to[i] = Kind == NormKind.Layer ? x + Bias[i] : x;
        }
    }

    // Always in the same order, wherever the row lies.
    private static float Sum(float* row, int width, float mean, bool squares)
    {
        Vector<float> means = new(mean);
        Vector<float> a = Vector<float>.Zero, b = a, c = a, d = a;
        int i = 0;
        int step = 4 * Vector<float>.Count;
        for (; i <= width - step; i += step)
        {
            Vector<float> w = Vector.Load(row + i) - means;
            Vector<float> x = Vector.Load(row + i + Vector<float>.Count) - means;
            Vector<float> y = Vector.Load(row + i + 2 * Vector<float>.Count) - means;
            Vector<float> z = Vector.Load(row + i + 3 * Vector<float>.Count) - means;
            a += squares ? w * w : w;
            b += squares ? x * x : x;
            c += squares ? y * y : y;
            d += squares ? z * z : z;
        }

        float sum = Vector.Sum((a + b) + (c + d));
        for (; i < width; i++)
        {
            float x = row[i] - mean;
            sum += squares ? x * x : x;
        }

        return sum;
    }
}
