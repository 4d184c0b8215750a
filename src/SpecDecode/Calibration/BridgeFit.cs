using System.Numerics.Tensors;
using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>
/// The bridge behind one layer, from rows of the residual there and before the final norm: from no bridge at all, or from the ridge regression to what the model ends with where
/// that predicts better, gradient descent on the divergence of the head's probabilities (<see cref="BridgeDescent"/>). How far, and whether in full or of a lower rank,
/// decide rows that nothing was fitted to; and whether it is a bridge at all.
/// </summary>
/// <param name="layer">The layer behind which it begins.</param>
/// <param name="target">What it is fitted to, and judged by.</param>
internal sealed class BridgeFit(int layer, BridgeTarget target)
{
    // A map of lower rank is worth a little divergence: it is read in less time.
    private const double WorthOfFull = 1.005;

    private static readonly double[] Ridges = [0.003, 0.03, 0.3];

    // Ranks beside the full one, in parts of the width.
    private static readonly int[] RankParts = [4, 16];

    private readonly int _width = target.Width;

    /// <summary>Fits it.</summary>
    /// <param name="x">Rows behind the layer that it is fitted to.</param>
    /// <param name="apart">Those that decide.</param>
    /// <param name="rank">The rank that it is to have: 0 for a scale of each channel alone, the width for a full map; null for what the rows apart speak for.</param>
    /// <param name="left">How much time there is.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The bridge; null where the exit as it is agrees as often, on the rows apart.</returns>
    public LinearBridge? Fit(BridgeRows x, BridgeRows apart, int? rank, Func<TimeSpan> left, CancellationToken cancellationToken)
    {
        RidgeRegression regression = new(x.Values, x.Count, _width);

        // What is added to the identity, transposed: y = x + Bᵀ x.
        float[] best = new float[_width * _width];
        BridgeJudgement without = target.Judge(apart, null);
        double divergence = without.Divergence;
        double[] cross = target.CrossOfChange(x);
        foreach (double ridge in Ridges)
        {
            Take(Narrow(regression.Solve(cross, ridge, cancellationToken)));
        }

        float[] change = (float[])best.Clone();
        new BridgeDescent(x, target.ShortlistsOf(x, best), target, layer).Run(change, left(), () => Take(change), cancellationToken);
        LinearBridge bridge = Shape(regression, best, divergence, apart, rank, cancellationToken);
        return target.Judge(apart, Change(bridge)).IsBetterThan(without) ? bridge : null;

        void Take(float[] candidate)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double found = target.Judge(apart, candidate).Divergence;
            if (found < divergence)
            {
                (best, divergence) = ((float[])candidate.Clone(), found);
            }
        }
    }

    private LinearBridge Shape(RidgeRegression regression, float[] change, double divergence, BridgeRows apart, int? rank, CancellationToken cancellationToken)
    {
        LinearBridge best = Full(change);
        foreach (int low in rank is { } given ? (int[])[given] : [.. RankParts.Select(part => _width / part).Where(low => low > 0)])
        {
            if (low >= _width)
            {
                continue;
            }

            LinearBridge bridge = OfRank(regression, change, low, cancellationToken);
            if (rank is not null || target.Judge(apart, Change(bridge)).Divergence <= divergence * WorthOfFull)
            {
                best = bridge;
            }
        }

        return best;
    }

    private static float[] Narrow(double[] change)
    {
        float[] narrow = new float[change.Length];
        TensorPrimitives.ConvertChecked<double, float>(change, narrow);
        return narrow;
    }

    private LinearBridge Full(float[] change)
    {
        float[] full = new float[_width * _width];
        for (int output = 0; output < _width; output++)
        {
            for (int input = 0; input < _width; input++)
            {
                full[output * _width + input] = change[input * _width + output];
            }
        }

        float[] ones = new float[_width];
        Array.Fill(ones, 1f);
        return new LinearBridge(layer, ones, full);
    }

    // The channels' own factors apart, and of the rest the part of a rank that keeps most of what it says about the rows (reduced-rank regression).
    private LinearBridge OfRank(RidgeRegression regression, float[] change, int rank, CancellationToken cancellationToken)
    {
        double[] rest = new double[change.Length];
        TensorPrimitives.ConvertChecked<float, double>(change, rest);
        float[] scale = new float[_width];
        for (int i = 0; i < _width; i++)
        {
            scale[i] = (float)(1 + rest[i * _width + i]);
            rest[i * _width + i] = 0;
        }

        if (rank == 0)
        {
            return new LinearBridge(layer, scale, new float[_width], new float[_width]);
        }

        // Bᵀ G B, the second moments of what B adds: its first directions are those that count.
        double[] moments = Dense.TransposedTimes(rest, Dense.Times(regression.Gram, rest, _width), _width);
        double[] directions = Dense.LeadingDirections(moments, _width, rank, layer, cancellationToken);
        double[] inner = Dense.TimesTransposed(rest, directions, _width, rank);
        float[] up = new float[_width * rank];
        float[] down = new float[rank * _width];
        for (int channel = 0; channel < _width; channel++)
        {
            for (int i = 0; i < rank; i++)
            {
                up[channel * rank + i] = (float)directions[i * _width + channel];
                down[i * _width + channel] = (float)inner[channel * rank + i];
            }
        }

        return new LinearBridge(layer, scale, up, down);
    }

    // What a bridge adds to the identity, transposed.
    private float[] Change(LinearBridge bridge)
    {
        float[] change = new float[_width * _width];
        for (int input = 0; input < _width; input++)
        {
            Span<float> row = change.AsSpan(input * _width, _width);
            for (int output = 0; output < _width; output++)
            {
                row[output] = bridge.IsFull ? bridge.Up.Span[output * _width + input] : 0;
                for (int i = 0; !bridge.IsFull && i < bridge.Rank; i++)
                {
                    row[output] += bridge.Up.Span[output * bridge.Rank + i] * bridge.Down.Span[i * _width + input];
                }
            }

            row[input] += bridge.Scale.Span[input] - 1;
        }

        return change;
    }
}
