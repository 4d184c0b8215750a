using SpecDecode.Calibration;

namespace SpecDecode.Tests.Calibration;

public class GaussianProcessTests
{
    [Fact]
    public void What_was_observed_without_noise_is_certain_and_what_is_far_is_not()
    {
        GaussianProcess process = new(lengthScale: 2, noise: 0);
        bool[] near = [true, false, true, false];
        process.Add(near, 5);
        process.Add([true, true, true, true], 7);
        process.Add([false, false, false, true], 6);
        (double mean, double deviation) = process.Predict(near);
        Assert.Equal((5, 0), (mean, deviation), new Near(1e-6));
        Assert.True(process.Predict([false, true, false, true]).Deviation > 0.3);
    }

    [Fact]
    public void A_prediction_is_that_of_the_textbook_formula()
    {
        Random random = new(4);
        GaussianProcess process = new(3, 0.1);
        bool[][] inputs = [.. Enumerable.Range(0, 3).Select(_ => SkipSets.Draw(random, 8, 0.5))];
        double[] outputs = [1, 4, 2];
        for (int i = 0; i < 3; i++)
        {
            process.Add(inputs[i], outputs[i]);
        }

        bool[] asked = SkipSets.Draw(random, 8, 0.5);
        double mean = outputs.Average();
        double scale = Math.Sqrt(outputs.Average(output => (output - mean) * (output - mean)));
        double Kernel(bool[] a, bool[] b)
        {
            int distance = a.Zip(b).Count(pair => pair.First != pair.Second);
            return (1 - distance / 4.0 + Math.Exp(-distance / 3.0)) / 2;
        }

        double[,] covariance = new double[3, 3];
        for (int i = 0; i < 3; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                covariance[i, j] = Kernel(inputs[i], inputs[j]) + (i == j ? 0.1 : 0);
            }
        }

        double[] cross = [.. inputs.Select(input => Kernel(input, asked))];
        double[] weights = Solve(covariance, cross);
        double expected = mean + outputs.Select((output, i) => weights[i] * (output - mean)).Sum();
        double variance = 1 - cross.Select((value, i) => weights[i] * value).Sum();
        Assert.Equal((expected, scale * Math.Sqrt(variance)), process.Predict(asked), new Near(1e-9));
    }

    [Fact]
    public void What_is_taken_back_was_never_there()
    {
        GaussianProcess process = new(3, 0.1);
        process.Add([true, false], 1);
        process.Add([false, false], 2);
        (double, double) before = process.Predict([true, true]);
        double likelihood = process.LogLikelihood();
        process.Add([true, true], 9);
        Assert.NotEqual(before, process.Predict([true, true]));
        process.Truncate(2);
        Assert.Equal(before, process.Predict([true, true]));
        Assert.Equal(likelihood, process.LogLikelihood());
    }

    [Fact]
    public void The_length_scale_that_made_the_outputs_fits_best()
    {
        Random random = new(9);
        GaussianProcess rough = new(0.3, 0.03);
        GaussianProcess smooth = new(8, 0.03);
        for (int i = 0; i < 60; i++)
        {
            bool[] input = SkipSets.Draw(random, 16, 0.5);
            double output = input.Count(bit => bit);
            rough.Add(input, output);
            smooth.Add(input, output);
        }

        Assert.True(smooth.LogLikelihood() > rough.LogLikelihood());
    }

    // Cramer's rule.
    private static double[] Solve(double[,] matrix, double[] right)
    {
        double Determinant(double[,] m) =>
            m[0, 0] * (m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]) - m[0, 1] * (m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0]) + m[0, 2] * (m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]);
        return [.. Enumerable.Range(0, 3).Select(column =>
        {
            double[,] replaced = (double[,])matrix.Clone();
            for (int row = 0; row < 3; row++)
            {
                replaced[row, column] = right[row];
            }

            return Determinant(replaced) / Determinant(matrix);
        })];
    }

    private sealed class Near(double tolerance) : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) left, (double, double) right) =>
            Math.Abs(left.Item1 - right.Item1) < tolerance && Math.Abs(left.Item2 - right.Item2) < tolerance * 1000;

        public int GetHashCode((double, double) value) => 0;
    }
}
