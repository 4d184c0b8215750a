using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>
/// Least squares from one vector to another, as sums that rows are added to one by one: G = Σ x xᵀ and C = Σ x (y − x)ᵀ. Rows are brought to a mean
/// square of 1 first, so that none counts for more than another, and a map is held to the identity: what few rows say nothing of stays as it is.
/// </summary>
/// <param name="width">Numbers d of a row.</param>
internal sealed class NormalEquations(int width)
{
    // Columns that are solved at a time: rows of so many stay in the first cache.
    private const int SolvedColumns = 64;

    private readonly double[] _gram = new double[width * width];
    private readonly double[] _cross = new double[width * width];
    private readonly double[] _x = new double[width];
    private readonly double[] _change = new double[width];

    /// <summary>Numbers d of a row.</summary>
    public int Width => width;

    /// <summary>Rows that were added.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes of the sums.</summary>
    public static long BytesOf(int width) => 2L * width * width * sizeof(double);

    /// <summary>Brings a row to a mean square of 1.</summary>
    /// <returns>False where it has no length, or a number in it is none.</returns>
    public static bool TryNormalise(ReadOnlySpan<float> row, Span<double> to)
    {
        TensorPrimitives.ConvertChecked(row, to);
        double square = TensorPrimitives.SumOfSquares<double>(to);
        if (!(square > 0) || !double.IsFinite(square))
        {
            return false;
        }

        TensorPrimitives.Multiply(to, Math.Sqrt(to.Length / square), to);
        return true;
    }

    /// <summary>Adds a row; one without a length, or with numbers that are none, says nothing.</summary>
    /// <param name="x">From where, <c>[d]</c>.</param>
    /// <param name="y">To where, <c>[d]</c>.</param>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        if (!TryNormalise(x, _x) || !TryNormalise(y, _change))
        {
            return;
        }

        TensorPrimitives.Subtract(_change, _x, _change);
        for (int i = 0; i < width; i++)
        {
            Span<double> gram = _gram.AsSpan(i * width, i + 1);
            TensorPrimitives.MultiplyAdd(_x.AsSpan(0, i + 1), _x[i], gram, gram);
            Span<double> cross = _cross.AsSpan(i * width, width);
            TensorPrimitives.MultiplyAdd(_change, _x[i], cross, cross);
        }

        Rows++;
    }

    /// <summary>The factor of each channel for itself: sᵢ by which xᵢ comes nearest to yᵢ, held to 1.</summary>
    /// <param name="ridge">How strongly, in parts of the rows' mean square.</param>
    public double[] Diagonal(double ridge)
    {
        double[] scale = new double[width];
        for (int i = 0; i < width; i++)
        {
            scale[i] = 1 + _cross[i * width + i] / (_gram[i * width + i] + ridge * Math.Max(1, Rows));
        }

        return scale;
    }

    /// <summary>Ridge regression: the matrix B <c>[d, d]</c>, row by row of x, for which y comes nearest to s ∘ x + Bᵀ x.</summary>
    /// <param name="ridge">How strongly B is held to zero, in parts of the rows' mean square; above 0.</param>
    /// <param name="scale">s; null for ones.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public double[] Solve(double ridge, double[]? scale, CancellationToken cancellationToken)
    {
        double[] factor = Factor(ridge, cancellationToken);
        double[] solved = Right(scale);
        Parallel.For(0, (width + SolvedColumns - 1) / SolvedColumns, new ParallelOptions { CancellationToken = cancellationToken }, block =>
            SolveColumns(factor, solved, block * SolvedColumns, Math.Min(SolvedColumns, width - block * SolvedColumns)));
        return solved;
    }

    /// <summary>Of a solution the part of a given rank that keeps most of what it says about these rows (reduced-rank regression).</summary>
    /// <param name="solution">B, of <see cref="Solve"/>.</param>
    /// <param name="rank">The rank r, below d.</param>
    /// <param name="seed">Where random numbers begin.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>U <c>[r, d]</c>, whose rows are orthonormal, and B Uᵀ <c>[d, r]</c>: B ≈ (B Uᵀ) U.</returns>
    public (double[] Directions, double[] Inner) Reduce(double[] solution, int rank, int seed, CancellationToken cancellationToken)
    {
        // Bᵀ G B, the second moments of what B predicts: its first directions are those that count.
        double[] moments = Dense.TransposedTimes(solution, Dense.Symmetric(_gram, width, solution), width);
        double[] directions = Dense.LeadingDirections(moments, width, rank, seed, cancellationToken);
        return (directions, Dense.TimesTransposed(solution, directions, width, rank));
    }

    // Lower triangle L of G + ridge · n · 1, row by row.
    private double[] Factor(double ridge, CancellationToken cancellationToken)
    {
        double[] factor = new double[width * width];
        double added = ridge * Math.Max(1, Rows);
        for (int i = 0; i < width; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<double> row = factor.AsSpan(i * width, width);
            for (int j = 0; j < i; j++)
            {
                ReadOnlySpan<double> other = factor.AsSpan(j * width, j + 1);
                row[j] = (_gram[i * width + j] - TensorPrimitives.Dot(row[..j], other[..j])) / other[j];
            }

            double square = _gram[i * width + i] + added - TensorPrimitives.SumOfSquares<double>(row[..i]);
            row[i] = Math.Sqrt(Math.Max(square, added * 1e-6));
        }

        return factor;
    }

    // C, less what the scale says already.
    private double[] Right(double[]? scale)
    {
        double[] right = (double[])_cross.Clone();
        if (scale is not null)
        {
            for (int i = 0; i < width; i++)
            {
                for (int j = 0; j < width; j++)
                {
                    right[i * width + j] -= (i >= j ? _gram[i * width + j] : _gram[j * width + i]) * (scale[j] - 1);
                }
            }
        }

        return right;
    }

    private void SolveColumns(double[] factor, double[] solved, int first, int count)
    {
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
    }
}
