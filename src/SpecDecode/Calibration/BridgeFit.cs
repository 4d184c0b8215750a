using System.Numerics.Tensors;
using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>
/// The bridge behind one layer, in closed form, from rows of the residual there and before the final norm. How strongly it is held to the identity, and
/// whether it is full or of a lower rank, decide rows that it was not fitted to.
/// </summary>
/// <param name="layer">The layer behind which it begins.</param>
/// <param name="width">Numbers d of a row.</param>
internal sealed class BridgeFit(int layer, int width)
{
    // In parts of the rows' mean square.
    private static readonly double[] Ridges = [0.003, 0.01, 0.03, 0.1, 0.3];

    // Ranks beside the full one, in parts of the width.
    private static readonly int[] RankParts = [4, 16];

    private readonly NormalEquations _equations = new(width);
    private readonly List<(float[] X, float[] Y)> _apart = [];

    /// <summary>The mean square error of the choice on rows that it was not fitted to, of rows with a mean square of 1; that of no bridge beside it.</summary>
    public (double Bridge, double Identity) Error { get; private set; }

    /// <summary>Adds a row.</summary>
    /// <param name="x">The residual behind the layer.</param>
    /// <param name="y">The residual before the final norm.</param>
    /// <param name="isApart">Whether it is kept to decide by, until <see cref="Choose"/>.</param>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y, bool isApart)
    {
        if (isApart)
        {
            _apart.Add((x.ToArray(), y.ToArray()));
        }
        else
        {
            _equations.Add(x, y);
        }
    }

    /// <summary>Fits it.</summary>
    /// <param name="rank">The rank that it is to have: 0 for a scale of each channel alone, the width for a full map; null for what rows apart speak for.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public LinearBridge Choose(int? rank, CancellationToken cancellationToken)
    {
        // A map of lower rank is worth a little error: it is read in less time.
        const double WorthOfFull = 0.98;
        int[] ranks = rank is { } given ? [Math.Min(given, width)] : [width, .. RankParts.Select(part => width / part).Where(low => low > 0)];
        (double Error, double Weighted, double Ridge, int Rank) best = (double.PositiveInfinity, double.PositiveInfinity, Ridges[^1], ranks[0]);
        foreach (double ridge in Ridges)
        {
            foreach (int low in ranks)
            {
                // Lower ranks are tried at the strength that suits the full one.
                if (low != ranks[0] && ridge != best.Ridge)
                {
                    continue;
                }

                double error = ErrorOf(Make(ridge, low, cancellationToken));
                double weighted = error * (low < width ? WorthOfFull : 1);
                if (weighted < best.Weighted)
                {
                    best = (error, weighted, ridge, low);
                }
            }
        }

        Error = (best.Error, ErrorOf(null));
        _apart.ForEach(pair => _equations.Add(pair.X, pair.Y));
        _apart.Clear();
        return Make(best.Ridge, best.Rank, cancellationToken);
    }

    private LinearBridge Make(double ridge, int rank, CancellationToken cancellationToken)
    {
        if (rank >= width)
        {
            double[] solution = _equations.Solve(ridge, scale: null, cancellationToken);
            float[] full = new float[width * width];
            for (int output = 0; output < width; output++)
            {
                for (int input = 0; input < width; input++)
                {
                    full[output * width + input] = (float)solution[input * width + output];
                }
            }

            float[] ones = new float[width];
            Array.Fill(ones, 1f);
            return new LinearBridge(layer, ones, full);
        }

        double[] scale = _equations.Diagonal(ridge);
        float[] narrow = [.. scale.Select(factor => (float)factor)];
        if (rank == 0)
        {
            return new LinearBridge(layer, narrow, new float[width], new float[width]);
        }

        (double[] directions, double[] inner) = _equations.Reduce(_equations.Solve(ridge, scale, cancellationToken), rank, layer, cancellationToken);
        float[] up = new float[width * rank];
        float[] down = new float[rank * width];
        for (int channel = 0; channel < width; channel++)
        {
            for (int i = 0; i < rank; i++)
            {
                up[channel * rank + i] = (float)directions[i * width + channel];
                down[i * width + channel] = (float)inner[channel * rank + i];
            }
        }

        return new LinearBridge(layer, narrow, up, down);
    }

    // Of what counts, which is the direction: the final norm takes the length out.
    private double ErrorOf(LinearBridge? bridge)
    {
        if (_apart.Count == 0)
        {
            return 0;
        }

        double[] errors = new double[_apart.Count];
        Parallel.For(0, _apart.Count, i =>
        {
            (float[] x, float[] y) = _apart[i];
            double[] predicted = new double[width];
            double[] target = new double[width];
            if (NormalEquations.TryNormalise(bridge is null ? x : Apply(bridge, x), predicted) && NormalEquations.TryNormalise(y, target))
            {
                TensorPrimitives.Subtract(predicted, target, predicted);
                errors[i] = TensorPrimitives.SumOfSquares<double>(predicted) / width;
            }
        });
        return errors.Average();
    }

    /// <summary>What a bridge makes of a row, in float32.</summary>
    public static float[] Apply(LinearBridge bridge, ReadOnlySpan<float> x)
    {
        int width = bridge.Width;
        float[] y = new float[width];
        float[] inner = bridge.IsFull ? x.ToArray() : new float[bridge.Rank];
        for (int i = 0; !bridge.IsFull && i < inner.Length; i++)
        {
            inner[i] = TensorPrimitives.Dot(bridge.Down.Span.Slice(i * width, width), x);
        }

        for (int i = 0; i < width; i++)
        {
            y[i] = bridge.Scale.Span[i] * x[i] + TensorPrimitives.Dot<float>(bridge.Up.Span.Slice(i * inner.Length, inner.Length), inner);
        }

        return y;
    }
}
