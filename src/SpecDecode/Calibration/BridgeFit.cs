using System.Numerics.Tensors;
using SpecDecode.Plans;

namespace SpecDecode.Calibration;

/// <summary>
/// The bridge behind one layer, in closed form, from rows of the residual there and before the final norm: ridge regression to what the model ends with; then, from
/// that or from no bridge at all, whichever is better, a few steps of Fisher scoring, each a ridge regression to the residual that would bring the head's probabilities to
/// the full model's. How strongly and how far, and whether in full or of a lower rank, decide rows that nothing was fitted to.
/// </summary>
/// <param name="layer">The layer behind which it begins.</param>
/// <param name="target">What it is fitted to, and judged by.</param>
internal sealed class BridgeFit(int layer, BridgeTarget target)
{
    private const int Steps = 4;

    // A step that gains less in parts of the divergence is the last.
    private const double LeastGain = 0.002;

    // A map of lower rank is worth a little divergence: it is read in less time.
    private const double WorthOfFull = 1.01;

    private static readonly double[] Ridges = [0.003, 0.03, 0.3];
    private static readonly double[] ScoreRidges = [0.1, 0.5, 2];

    // The curvature is a mean over rows, so a whole step is too far for most of them.
    private static readonly double[] Lengths = [0.5, 0.2];

    // Ranks beside the full one, in parts of the width.
    private static readonly int[] RankParts = [4, 16];

    private readonly int _width = target.Width;

    /// <summary>Fits it.</summary>
    /// <param name="x">Rows behind the layer that it is fitted to.</param>
    /// <param name="apart">Those that decide.</param>
    /// <param name="rank">The rank that it is to have: 0 for a scale of each channel alone, the width for a full map; null for what the rows apart speak for.</param>
    /// <param name="hasTime">Whether another step may be tried.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public LinearBridge Fit(BridgeRows x, BridgeRows apart, int? rank, Func<bool> hasTime, CancellationToken cancellationToken)
    {
        RidgeRegression regression = new(x.Values, x.Count, _width);

        // What is added to the identity, transposed: y = x + Bᵀ x.
        double[] none = new double[_width * _width];
        double without = target.Divergence(apart, none);
        double[] cross = target.CrossOfChange(x);
        double[] best = regression.Solve(cross, Ridges[0], cancellationToken);
        double divergence = target.Divergence(apart, best);
        foreach (double ridge in Ridges[1..])
        {
            Take(regression.Solve(cross, ridge, cancellationToken));
        }

        for (int step = 0; step < Steps && hasTime(); step++)
        {
            double before = Math.Min(divergence, without);
            double[] from = divergence < without ? best : none;
            cross = target.CrossOfScore(x, from, cancellationToken);
            foreach (double ridge in ScoreRidges)
            {
                double[] change = regression.Solve(cross, ridge, cancellationToken);
                foreach (double length in Lengths)
                {
                    double[] sum = new double[change.Length];
                    TensorPrimitives.MultiplyAdd(change, length, from, sum);
                    Take(sum);
                    if (ridge > ScoreRidges[0])
                    {
                        // Fewer directions say less about these rows and more about others.
                        Take(Narrow(regression, sum, Math.Max(1, _width / 8), cancellationToken).Change);
                    }
                }
            }

            if (divergence > before * (1 - LeastGain))
            {
                break;
            }
        }

        return Shape(regression, best, divergence, apart, rank, cancellationToken);

        void Take(double[] candidate)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double found = target.Divergence(apart, candidate);
            if (found < divergence)
            {
                (best, divergence) = (candidate, found);
            }
        }
    }

    private LinearBridge Shape(
        RidgeRegression regression, double[] change, double divergence, BridgeRows apart, int? rank, CancellationToken cancellationToken)
    {
        LinearBridge best = Full(change);
        foreach (int low in rank is { } given ? (int[])[given] : [.. RankParts.Select(part => _width / part).Where(low => low > 0)])
        {
            if (low >= _width)
            {
                continue;
            }

            (LinearBridge bridge, double[] cut) = Narrow(regression, change, low, cancellationToken);
            double found = target.Divergence(apart, cut);
            if (rank is not null || found <= divergence * WorthOfFull)
            {
                best = bridge;
            }
        }

        return best;
    }

    private LinearBridge Full(double[] change)
    {
        float[] full = new float[_width * _width];
        for (int output = 0; output < _width; output++)
        {
            for (int input = 0; input < _width; input++)
            {
                full[output * _width + input] = (float)change[input * _width + output];
            }
        }

        float[] ones = new float[_width];
        Array.Fill(ones, 1f);
        return new LinearBridge(layer, ones, full);
    }

    // The channels' own factors apart, and of the rest the part of a rank that keeps most of what it says about the rows (reduced-rank regression).
    private (LinearBridge Bridge, double[] Change) Narrow(RidgeRegression regression, double[] change, int rank, CancellationToken cancellationToken)
    {
        double[] rest = (double[])change.Clone();
        double[] cut = new double[change.Length];
        float[] scale = new float[_width];
        for (int i = 0; i < _width; i++)
        {
            scale[i] = (float)(1 + change[i * _width + i]);
            cut[i * _width + i] = change[i * _width + i];
            rest[i * _width + i] = 0;
        }

        if (rank == 0)
        {
            return (new LinearBridge(layer, scale, new float[_width], new float[_width]), cut);
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
                Span<double> row = cut.AsSpan(channel * _width, _width);
                TensorPrimitives.MultiplyAdd(directions.AsSpan(i * _width, _width), inner[channel * rank + i], row, row);
            }
        }

        return (new LinearBridge(layer, scale, up, down), cut);
    }
}
