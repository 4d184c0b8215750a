using System.Numerics.Tensors;

namespace SpecDecode.Calibration;

/// <summary>What bridges are fitted to: the residual before the final norm, and the probabilities that the head makes of it.</summary>
internal sealed class BridgeTarget
{
    // How strongly the curvature is held to a multiple of the identity, in parts of its mean.
    private const double Damping = 0.5;

    private readonly HeadProbe _head;
    private readonly BridgeRows _y;

    // Means of the head by the full model's probabilities, [n, d]; of the rows apart those themselves, [m, S], and their entropies.
    private readonly float[] _means;
    private readonly float[][] _probabilities;
    private readonly double[] _entropies;

    /// <summary>Takes the rows.</summary>
    /// <param name="head">The head.</param>
    /// <param name="y">Rows before the final norm that are fitted to.</param>
    /// <param name="apart">Those that decide.</param>
    /// <param name="width">Numbers d of a row.</param>
    public BridgeTarget(HeadProbe head, BridgeRows y, BridgeRows apart, int width)
    {
        (_head, _y, Width) = (head, y, width);
        _means = new float[y.Count * width];
        _probabilities = new float[apart.Count][];
        _entropies = new double[apart.Count];
        Parallel.For(0, y.Count, () => new float[head.Tokens], (row, _, probabilities) =>
        {
            head.Probabilities(y[row], probabilities);
            head.Mean(probabilities, _means.AsSpan(row * width, width));
            return probabilities;
        }, _ => { });
        Parallel.For(0, apart.Count, row =>
        {
            _probabilities[row] = new float[head.Tokens];
            head.Probabilities(apart[row], _probabilities[row]);
            _entropies[row] = CrossEntropy(_probabilities[row], _probabilities[row]);
        });
    }

    /// <summary>Numbers d of a row.</summary>
    public int Width { get; }

    /// <summary>The mean divergence of the head's probabilities behind a map from the full model's.</summary>
    /// <param name="apart">Rows that decide, in the order of the target's.</param>
    /// <param name="change">What the map adds to the identity, transposed.</param>
    public double Divergence(BridgeRows apart, double[] change)
    {
        double[] divergences = new double[apart.Count];
        float[] narrow = Narrow(change);
        Parallel.For(0, apart.Count, () => (new float[Width], new float[_head.Tokens]), (row, _, memory) =>
        {
            (float[] unit, float[] probabilities) = memory;
            Map(narrow, apart[row], unit);
            _head.Probabilities(unit, probabilities);
            divergences[row] = CrossEntropy(_probabilities[row], probabilities) - _entropies[row];
            return memory;
        }, _ => { });
        double mean = divergences.Length == 0 ? double.NaN : divergences.Average();
        return double.IsFinite(mean) ? mean : double.PositiveInfinity;
    }

    /// <summary>Σ x (y − x)ᵀ.</summary>
    public double[] CrossOfChange(BridgeRows x)
    {
        float[] change = new float[x.Count * Width];
        TensorPrimitives.Subtract(_y.Values.AsSpan(0, change.Length), x.Values.AsSpan(0, change.Length), change);
        return Dense.SumOfProducts(x.Values, change, x.Count, Width);
    }

    /// <summary>
    /// Σ x zᵀ, where z is the change of a row behind a map that a scoring step asks for: F⁻¹ Hᵀ(p − q), with the full model's probabilities p, the map's q, and the mean
    /// curvature F = Hᵀ (diag(q) − q qᵀ) H.
    /// </summary>
    public double[] CrossOfScore(BridgeRows x, double[] change, CancellationToken cancellationToken)
    {
        float[] narrow = Narrow(change);
        float[] scores = new float[x.Count * Width];
        float[] means = new float[x.Count * Width];
        float[] sum = new float[_head.Tokens];
        Parallel.For(0, x.Count, new ParallelOptions { CancellationToken = cancellationToken }, () => (Unit: new float[Width], Probabilities: new float[_head.Tokens], Sum: new float[_head.Tokens]), (row, _, memory) =>
        {
            float length = Map(narrow, x[row], memory.Unit);
            _head.Probabilities(memory.Unit, memory.Probabilities);
            Span<float> mean = means.AsSpan(row * Width, Width);
            _head.Mean(memory.Probabilities, mean);
            Span<float> score = scores.AsSpan(row * Width, Width);
            TensorPrimitives.Subtract(_means.AsSpan(row * Width, Width), mean, score);
            // A change behind the norm is one before it that is as much longer as the row was.
            TensorPrimitives.Multiply(score, length, score);
            TensorPrimitives.Add(memory.Sum, memory.Probabilities, memory.Sum);
            return memory;
        }, memory =>
        {
            lock (sum)
            {
                TensorPrimitives.Add(sum, memory.Sum, sum);
            }
        });

        int rows = Math.Max(1, x.Count);
        TensorPrimitives.Divide(sum, rows, sum);
        double[] curvature = _head.SecondMoments(sum);
        double[] products = Dense.SumOfProducts(means, means, x.Count, Width);
        for (int i = 0; i < curvature.Length; i++)
        {
            curvature[i] -= products[i] / rows;
        }

        double trace = 0;
        for (int i = 0; i < Width; i++)
        {
            trace += curvature[i * Width + i];
        }

        // Rows times F⁻¹ from the right: F is symmetric, so it is F⁻¹ times the transposed, transposed.
        double[] cross = Dense.SumOfProducts(scores, x.Values, x.Count, Width);
        return Dense.Transposed(RidgeRegression.Solve(curvature, Damping * trace / Width, cross, Width, cancellationToken), Width);
    }

    private static float[] Narrow(double[] change)
    {
        float[] narrow = new float[change.Length];
        TensorPrimitives.ConvertChecked<double, float>(change, narrow);
        return narrow;
    }

    // y = x + Bᵀ x, brought to a mean square of 1.
    private float Map(float[] change, ReadOnlySpan<float> x, Span<float> y)
    {
        x.CopyTo(y);
        for (int i = 0; i < Width; i++)
        {
            TensorPrimitives.MultiplyAdd(change.AsSpan(i * Width, Width), x[i], y, y);
        }

        return BridgeRows.Normalise(y);
    }

    private static double CrossEntropy(ReadOnlySpan<float> of, ReadOnlySpan<float> by)
    {
        double sum = 0;
        for (int i = 0; i < of.Length; i++)
        {
            sum -= of[i] > 0 ? of[i] * Math.Log(Math.Max(by[i], 1e-20f)) : 0;
        }

        return sum;
    }
}
