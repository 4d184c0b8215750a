using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>
/// Ridge regression from rows x to rows t, of d numbers each, by its normal equations: B = (Σ x xᵀ + ridge · n · 1)⁻¹ Σ x tᵀ, for several t and strengths.
/// </summary>
internal sealed class RidgeRegression
{
    // Columns that are solved at a time: rows of so many stay in the first cache.
    private const int SolvedColumns = 64;

    private readonly int _width;
    private readonly int _rows;
    private readonly double[] _gram;
    private readonly Dictionary<double, double[]> _factors = [];

    /// <summary>Takes the rows x.</summary>
    /// <param name="x">They, <c>[n, d]</c>.</param>
    /// <param name="rows">n.</param>
    /// <param name="width">d.</param>
    public RidgeRegression(float[] x, int rows, int width)
    {
        (_width, _rows) = (width, rows);
        _gram = Dense.SumOfProducts(x, x, rows, width);
    }

    /// <summary>Σ x xᵀ, <c>[d, d]</c>.</summary>
    public double[] Gram => _gram;

    /// <summary>Solves.</summary>
    /// <param name="cross">Σ x tᵀ, <c>[d, d]</c>.</param>
    /// <param name="ridge">How strongly B is held to zero, in parts of n; above 0.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>B <c>[d, d]</c>, a row for each number of x: t ≈ Bᵀ x.</returns>
    public double[] Solve(double[] cross, double ridge, CancellationToken cancellationToken)
    {
        if (!_factors.TryGetValue(ridge, out double[]? factor))
        {
            factor = Factor(_gram, ridge * Math.Max(1, _rows), _width, cancellationToken);
            _factors[ridge] = factor;
        }

        return Solve(factor, cross, _width, cancellationToken);
    }

    /// <summary>(A + added · 1)⁻¹ of symmetric A times a matrix, <c>[d, d]</c> each.</summary>
    public static double[] Solve(double[] matrix, double added, double[] right, int width, CancellationToken cancellationToken) =>
        Solve(Factor(matrix, added, width, cancellationToken), right, width, cancellationToken);

    // The Cholesky factor, a lower triangle row by row.
    private static double[] Factor(double[] matrix, double added, int width, CancellationToken cancellationToken)
    {
        double[] factor = new double[width * width];
        for (int i = 0; i < width; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<double> row = factor.AsSpan(i * width, width);
            for (int j = 0; j < i; j++)
            {
                ReadOnlySpan<double> other = factor.AsSpan(j * width, j + 1);
                row[j] = (matrix[i * width + j] - TensorPrimitives.Dot(row[..j], other[..j])) / other[j];
            }

            double square = matrix[i * width + i] + added - TensorPrimitives.SumOfSquares<double>(row[..i]);
            row[i] = Math.Sqrt(Math.Max(square, Math.Max(added * 1e-6, double.Epsilon)));
        }

        return factor;
    }

    private static double[] Solve(double[] factor, double[] right, int width, CancellationToken cancellationToken)
    {
        double[] solved = (double[])right.Clone();
        Parallel.For(0, (width + SolvedColumns - 1) / SolvedColumns, new ParallelOptions { CancellationToken = cancellationToken }, block =>
        {
            int first = block * SolvedColumns;
            int count = Math.Min(SolvedColumns, width - first);
            for (int i = 0; i < width; i++)
            {
                Span<double> row = solved.AsSpan(i * width + first, count);
                for (int k = 0; k < i; k++)
                {
                    TensorPrimitives.MultiplyAdd(solved.AsSpan(k * width + first, count), -factor[i * width + k], row, row);
                }

                TensorPrimitives.Divide(row, factor[i * width + i], row);
            }

            for (int i = width - 1; i >= 0; i--)
            {
                Span<double> row = solved.AsSpan(i * width + first, count);
                for (int k = i + 1; k < width; k++)
                {
                    TensorPrimitives.MultiplyAdd(solved.AsSpan(k * width + first, count), -factor[k * width + i], row, row);
                }

                TensorPrimitives.Divide(row, factor[i * width + i], row);
            }
        });
        return solved;
    }
}
