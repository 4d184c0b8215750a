using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>Products of dense matrices in double precision, row by row, on all processors: what fitting a bridge needs of linear algebra.</summary>
internal static class Dense
{
    // Subspace iteration converges by the ratio of what is kept to what is not; directions that are near each other count alike.
    private const int Iterations = 12;

    /// <summary>Σ x tᵀ over rows of two lists: <c>[d, d]</c>.</summary>
    /// <param name="x">Rows <c>[n, d]</c>.</param>
    /// <param name="t">As many.</param>
    /// <param name="rows">n.</param>
    /// <param name="width">d.</param>
    public static double[] SumOfProducts(float[] x, float[] t, int rows, int width)
    {
        const int Together = 16;
        double[] sums = new double[width * width];
        Parallel.For(0, (width + Together - 1) / Together, block =>
        {
            double[] row = new double[width];
            int last = Math.Min(width, (block + 1) * Together);
            for (int n = 0; n < rows; n++)
            {
                TensorPrimitives.ConvertChecked<float, double>(t.AsSpan(n * width, width), row);
                for (int i = block * Together; i < last; i++)
                {
                    Span<double> sum = sums.AsSpan(i * width, width);
                    TensorPrimitives.MultiplyAdd(row, x[n * width + i], sum, sum);
                }
            }
        });
        return sums;
    }

    /// <summary>A B of two matrices <c>[d, d]</c>.</summary>
    public static double[] Times(double[] a, double[] b, int width)
    {
        double[] result = new double[width * width];
        Parallel.For(0, width, i =>
        {
            Span<double> row = result.AsSpan(i * width, width);
            for (int k = 0; k < width; k++)
            {
                TensorPrimitives.MultiplyAdd(b.AsSpan(k * width, width), a[i * width + k], row, row);
            }
        });
        return result;
    }

    /// <summary>Aᵀ of a matrix <c>[d, d]</c>.</summary>
    public static double[] Transposed(double[] a, int width)
    {
        double[] result = new double[a.Length];
        for (int i = 0; i < a.Length; i++)
        {
            result[i % width * width + i / width] = a[i];
        }

        return result;
    }

    /// <summary>Aᵀ B of two matrices <c>[d, d]</c>.</summary>
    public static double[] TransposedTimes(double[] a, double[] b, int width)
    {
        double[] result = new double[width * width];
        Parallel.For(0, width, i =>
        {
            Span<double> row = result.AsSpan(i * width, width);
            for (int k = 0; k < width; k++)
            {
                TensorPrimitives.MultiplyAdd(b.AsSpan(k * width, width), a[k * width + i], row, row);
            }
        });
        return result;
    }

    /// <summary>A Bᵀ of A <c>[d, d]</c> and B <c>[r, d]</c>: <c>[d, r]</c>.</summary>
    public static double[] TimesTransposed(double[] a, double[] b, int width, int rank)
    {
        double[] result = new double[width * rank];
        Parallel.For(0, width, i =>
        {
            for (int j = 0; j < rank; j++)
            {
                result[i * rank + j] = TensorPrimitives.Dot(a.AsSpan(i * width, width), b.AsSpan(j * width, width));
            }
        });
        return result;
    }

    /// <summary>The directions of the largest eigenvalues of a symmetric matrix, by subspace iteration.</summary>
    /// <param name="matrix">The matrix, <c>[d, d]</c>, positive semidefinite.</param>
    /// <param name="width">d.</param>
    /// <param name="count">How many, at most d.</param>
    /// <param name="seed">Where random numbers begin.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>They, <c>[count, d]</c>, orthonormal.</returns>
    public static double[] LeadingDirections(double[] matrix, int width, int count, int seed, CancellationToken cancellationToken)
    {
        Random random = new(seed);
        double[] directions = [.. Enumerable.Range(0, count * width).Select(_ => random.NextDouble() - 0.5)];
        Orthonormalise(directions, width, count);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // A row of the directions times the matrix, which is symmetric.
            double[] from = directions;
            double[] to = new double[count * width];
            Parallel.For(0, count, j =>
            {
                for (int i = 0; i < width; i++)
                {
                    to[j * width + i] = TensorPrimitives.Dot(from.AsSpan(j * width, width), matrix.AsSpan(i * width, width));
                }
            });
            Orthonormalise(to, width, count);
            directions = to;
        }

        return directions;
    }

    // Gram and Schmidt, twice, which is as good as exact. A row that nothing is left of becomes a unit vector's remainder.
    private static void Orthonormalise(double[] rows, int width, int count)
    {
        for (int j = 0; j < count; j++)
        {
            Span<double> row = rows.AsSpan(j * width, width);
            for (int unit = -1; ; unit++)
            {
                if (unit >= 0)
                {
                    row.Clear();
                    row[(j + unit) % width] = 1;
                }

                double before = TensorPrimitives.Norm<double>(row);
                for (int pass = 0; pass < 2; pass++)
                {
                    for (int k = 0; k < j; k++)
                    {
                        ReadOnlySpan<double> other = rows.AsSpan(k * width, width);
                        TensorPrimitives.MultiplyAdd(other, -TensorPrimitives.Dot(row, other), row, row);
                    }
                }

                double length = TensorPrimitives.Norm<double>(row);
                if (length > 1e-9 * before && length > 0)
                {
                    TensorPrimitives.Divide(row, length, row);
                    break;
                }
            }
        }
    }
}
