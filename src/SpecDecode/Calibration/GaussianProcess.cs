namespace SpecDecode.Calibration;

/// <summary>
/// What is to be expected of sets that were not tried, from those that were: a Gaussian process over n bits with some noise and the kernel
/// (1 − 2d/n + exp(−d/ℓ)) / 2, d the number of bits in which two differ. Its first part is Bayesian linear regression on the bits, its second what
/// bits do together. Exact: a Cholesky factor that grows by a row with each observation, so no library of matrices is needed.
/// </summary>
/// <param name="lengthScale">ℓ, in bits.</param>
/// <param name="noise">Variance of the noise, in parts of the process's own.</param>
internal sealed class GaussianProcess(double lengthScale, double noise)
{
    private readonly List<bool[]> _inputs = [];
    private readonly List<double> _outputs = [];

    // Row i of the factor L has i + 1 numbers. What solves L·z = y is made anew when it is asked for.
    private readonly List<double[]> _factor = [];
    private double[]? _solved;
    private double _mean;
    private double _scale = 1;

    /// <summary>Observations.</summary>
    public int Count => _inputs.Count;

    /// <summary>Adds an observation.</summary>
    public void Add(bool[] input, double output)
    {
        double[] row = Forward(input);
        double squares = 0;
        foreach (double value in row)
        {
            squares += value * value;
        }

        _factor.Add([.. row, Math.Sqrt(Math.Max(1e-12, 1 + noise - squares))]);
        _inputs.Add(input);
        _outputs.Add(output);
        _solved = null;
    }

    /// <summary>Takes the last observations back.</summary>
    /// <param name="count">What stays.</param>
    public void Truncate(int count)
    {
        _inputs.RemoveRange(count, Count - count);
        _outputs.RemoveRange(count, _outputs.Count - count);
        _factor.RemoveRange(count, _factor.Count - count);
        _solved = null;
    }

    /// <summary>Mean and standard deviation of the output of an input.</summary>
    public (double Mean, double Deviation) Predict(bool[] input)
    {
        double[] solved = Solved();
        double[] row = Forward(input);
        double mean = 0;
        double variance = 1;
        for (int i = 0; i < row.Length; i++)
        {
            mean += row[i] * solved[i];
            variance -= row[i] * row[i];
        }

        return (_mean + _scale * mean, _scale * Math.Sqrt(Math.Max(0, variance)));
    }

    /// <summary>By how much an input is expected to exceed an output, where it does: E[max(0, f − best)] of a normal f.</summary>
    /// <param name="input">The input.</param>
    /// <param name="best">The output.</param>
    public double ExpectedImprovement(bool[] input, double best)
    {
        (double mean, double deviation) = Predict(input);
        deviation = Math.Max(deviation, 1e-12);
        double gain = (mean - best) / deviation;
        return deviation * (gain * NormalDistribution.Below(gain) + NormalDistribution.Density(gain));
    }

    /// <summary>Logarithm of the observations' probability under the process, up to a constant: the higher, the better ℓ fits.</summary>
    public double LogLikelihood()
    {
        double sum = -Count * Math.Log(_scale);
        double[] solved = Solved();
        for (int i = 0; i < Count; i++)
        {
            sum -= 0.5 * solved[i] * solved[i] + Math.Log(_factor[i][i]);
        }

        return sum;
    }

    // Solves L·z = k for an input's covariances k with what was observed.
    private double[] Forward(bool[] input)
    {
        double[] row = new double[Count];
        for (int i = 0; i < row.Length; i++)
        {
            int distance = Distance(input, _inputs[i]);
            row[i] = 0.5 * (1 - 2.0 * distance / input.Length + Math.Exp(-distance / lengthScale));
        }

        SolveInPlace(row);
        return row;
    }

    // Outputs about their mean, in units of their deviation.
    private double[] Solved()
    {
        if (_solved is not null)
        {
            return _solved;
        }

        _mean = _outputs.Count > 0 ? _outputs.Average() : 0;
        double variance = _outputs.Count > 1 ? _outputs.Sum(output => (output - _mean) * (output - _mean)) / _outputs.Count : 0;
        _scale = variance > 0 ? Math.Sqrt(variance) : 1;
        _solved = [.. _outputs.Select(output => (output - _mean) / _scale)];
        SolveInPlace(_solved);
        return _solved;
    }

    private void SolveInPlace(double[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double[] row = _factor[i];
            double value = values[i];
            for (int j = 0; j < i; j++)
            {
                value -= row[j] * values[j];
            }

            values[i] = value / row[i];
        }
    }

    private static int Distance(bool[] left, bool[] right)
    {
        int distance = 0;
        for (int i = 0; i < left.Length; i++)
        {
            distance += left[i] == right[i] ? 0 : 1;
        }

        return distance;
    }
}
