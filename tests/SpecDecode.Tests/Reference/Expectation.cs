using System.Text.Json;

namespace SpecDecode.Tests.Reference;

/// <summary>What a fixture's expected.json says about one way of running it.</summary>
internal sealed record Expectation(float[] LogitsLast, int[] ArgMaxPerPosition, double[] MarginPerPosition)
{
    /// <summary>Logits of the same model in plain float32 land within a fraction of this.</summary>
    public const double LogitTolerance = 5e-4;

    /// <summary>Above this margin the arg max has to be the same.</summary>
    public const double MarginThatDecides = 1e-2;

    public static Expectation Read(JsonElement json) => new(
        [.. json.GetProperty("logits_last").EnumerateArray().Select(logit => logit.GetSingle())],
        [.. json.GetProperty("argmax_per_position").EnumerateArray().Select(token => token.GetInt32())],
        [.. json.GetProperty("margin_per_position").EnumerateArray().Select(margin => margin.GetDouble())]);

    public static int[] Integers(JsonElement json) => [.. json.EnumerateArray().Select(number => number.GetInt32())];

    public static double[] Numbers(JsonElement json) => [.. json.EnumerateArray().Select(number => number.GetDouble())];

    /// <summary>Fails with the place of the first difference that no near-tie explains.</summary>
    public void Check(IReadOnlyList<float> logits, IReadOnlyList<int> argMax, string what)
    {
        Assert.Equal(LogitsLast.Length, logits.Count);
        double difference = LogitsLast.Zip(logits, (expected, actual) => Math.Abs((double)expected - actual)).Max();
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: largest difference of the logits {difference:e1}");
        Assert.True(difference <= LogitTolerance, $"{what}: logits differ by {difference:e2}");

        Assert.Equal(ArgMaxPerPosition.Length, argMax.Count);
        for (int i = 0; i < argMax.Count; i++)
        {
            Assert.True(
                argMax[i] == ArgMaxPerPosition[i] || MarginPerPosition[i] <= MarginThatDecides,
                $"{what}: position {i} gives {argMax[i]}, expected {ArgMaxPerPosition[i]} by a margin of {MarginPerPosition[i]:e2}");
        }
    }

    /// <summary>Fails unless the tokens are equal up to the first near-tie.</summary>
    public static void CheckGreedy(int[] expected, double[] margins, IReadOnlyList<int> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            if (actual[i] != expected[i])
            {
                Assert.True(margins[i] <= MarginThatDecides, $"{what}: token {i} is {actual[i]}, expected {expected[i]} by a margin of {margins[i]:e2}");
                return;
            }
        }
    }
}
