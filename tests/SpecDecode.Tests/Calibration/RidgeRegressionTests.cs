using SpecDecode.Calibration;

namespace SpecDecode.Tests.Calibration;

/// <summary>The algebra behind bridges, on numbers of which the answer is known.</summary>
public class RidgeRegressionTests
{
    private const int Width = 37;
    private const int Rows = 400;

    private static readonly float[] X = Numbers(1, Rows * Width);
    private static readonly double[] Map = [.. Numbers(2, Width * Width).Select(number => (double)number)];

    [Fact]
    public void A_map_is_found_again_from_rows_that_went_through_it()
    {
        float[] t = new float[Rows * Width];
        for (int row = 0; row < Rows; row++)
        {
            for (int j = 0; j < Width; j++)
            {
                t[row * Width + j] = (float)Enumerable.Range(0, Width).Sum(i => X[row * Width + i] * Map[i * Width + j]);
            }
        }

        RidgeRegression regression = new(X, Rows, Width);
        double[] cross = Dense.SumOfProducts(X, t, Rows, Width);
        double[] found = regression.Solve(cross, 1e-9, TestContext.Current.CancellationToken);
        Assert.All(found.Zip(Map), pair => Assert.Equal(pair.Second, pair.First, 1e-4));

        // The normal equations hold for any strength: (G + ridge n) B = C.
        double[] held = regression.Solve(cross, 0.3, TestContext.Current.CancellationToken);
        double[] left = Dense.Times(regression.Gram, held, Width);
        Assert.All(Enumerable.Range(0, left.Length), i => Assert.Equal(cross[i], left[i] + 0.3 * Rows * held[i], 1e-6));
        Assert.True(held.Sum(Math.Abs) < found.Sum(Math.Abs));
    }

    [Fact]
    public void Leading_directions_are_orthonormal_and_those_of_the_largest_eigenvalues()
    {
        // Three directions that count, in noise.
        double[] moments = new double[Width * Width];
        float[] directions = Numbers(3, 3 * Width);
        for (int i = 0; i < Width; i++)
        {
            moments[i * Width + i] = 0.01;
            for (int j = 0; j < Width; j++)
            {
                moments[i * Width + j] += Enumerable.Range(0, 3).Sum(k => (k + 1.0) * directions[k * Width + i] * directions[k * Width + j]);
            }
        }

        double[] found = Dense.LeadingDirections(moments, Width, 3, seed: 1, TestContext.Current.CancellationToken);
        for (int a = 0; a < 3; a++)
        {
            for (int b = 0; b < 3; b++)
            {
                Assert.Equal(a == b ? 1 : 0, Enumerable.Range(0, Width).Sum(i => found[a * Width + i] * found[b * Width + i]), 1e-9);
            }
        }

        // What is left of a direction outside of those that were found.
        for (int k = 0; k < 3; k++)
        {
            double length = Enumerable.Range(0, Width).Sum(i => (double)directions[k * Width + i] * directions[k * Width + i]);
            double inside = Enumerable.Range(0, 3).Sum(a => Math.Pow(Enumerable.Range(0, Width).Sum(i => found[a * Width + i] * directions[k * Width + i]), 2));
            Assert.Equal(length, inside, 1e-3 * length);
        }
    }

    private static float[] Numbers(int seed, int count)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
