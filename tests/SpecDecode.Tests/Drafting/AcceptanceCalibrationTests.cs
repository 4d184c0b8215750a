using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

public class AcceptanceCalibrationTests
{
    private static readonly float[] Confidences =
    [
        float.NaN, float.NegativeInfinity, -1, -0f, 0, float.Epsilon, 0.03f, 0.1f, 0.25f, 0.5f, 0.69f, 0.7f, 0.85f, 0.9f, 0.949f, 0.98f, 0.999f, 0.99999f, 1, 1.5f,
        float.PositiveInfinity,
    ];

    [Fact]
    public void Before_any_token_it_says_a_little_less_than_the_drafter()
    {
        AcceptanceCalibration calibration = new();
        for (float confidence = 0.05f; confidence < 1; confidence += 0.01f)
        {
            Assert.InRange(calibration.Chance(confidence), 0.94 * confidence, 0.96 * confidence);
        }

        Assert.Equal(0, calibration.Weight);
        Assert.Equal(0, calibration.Error);
        Assert.InRange(calibration.Mean, 0.5, 0.9);
        Assert.Equal(calibration.Mean, calibration.First, 1e-12);
        Assert.Equal(calibration.Mean, calibration.NextAfter(0.4f), 1e-12);
    }

    [Fact]
    public void It_nears_the_chance_of_each_bin_and_its_error_says_how_near()
    {
        // The drafter is far from right in the middle, and its tokens are spread over four bins.
        (float Confidence, int OutOf10)[] truth = [(0.15f, 2), (0.55f, 3), (0.835f, 6), (0.999f, 9)];
        AcceptanceCalibration calibration = new();
        double errorAtFirst = 0;
        for (int i = 0; i < 3_000; i++)
        {
            foreach ((float confidence, int outOf10) in truth)
            {
                calibration.Add(confidence, Accepted(i, outOf10));
            }

            errorAtFirst = i == 5 ? calibration.Error : errorAtFirst;
        }

        foreach ((float confidence, int outOf10) in truth)
        {
            Assert.Equal(outOf10 / 10.0, calibration.Chance(confidence), 0.04);
        }

        Assert.Equal(0.5, calibration.Mean, 0.02);
        Assert.Equal(AcceptanceCalibration.Memory, calibration.Weight, 1e-3);
        Assert.InRange(calibration.Error, 0, 0.03);
        Assert.True(errorAtFirst > 2 * calibration.Error, $"{errorAtFirst}, then {calibration.Error}");
    }

    [Fact]
    public void Its_error_is_the_gap_between_chances_and_outcomes_by_bin()
    {
        AcceptanceCalibration calibration = new();
        double low = calibration.Chance(0.25f);
        calibration.Add(0.25f, true);
        Assert.Equal(1 - low, calibration.Error, 1e-12);
        double high = calibration.Chance(0.9f);
        calibration.Add(0.9f, false);
        double kept = 1 - 1 / AcceptanceCalibration.Memory;
        Assert.Equal((kept * (1 - low) + high) / (kept + 1), calibration.Error, 1e-12);
    }

    [Fact]
    public void A_shift_is_followed_within_some_hundred_tokens()
    {
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 5_000; i++)
        {
            calibration.Add(0.9f, Accepted(i, 9));
        }

        Assert.Equal(0.9, calibration.Chance(0.9f), 0.02);
        for (int i = 0; i < 500; i++)
        {
            calibration.Add(0.9f, Accepted(i, 3));
        }

        // More than half of the way.
        Assert.InRange(calibration.Chance(0.9f), 0.3, 0.58);
        Assert.InRange(calibration.Mean, 0.3, 0.58);
        for (int i = 0; i < 1_000; i++)
        {
            calibration.Add(0.9f, Accepted(i, 3));
        }

        Assert.Equal(0.3, calibration.Chance(0.9f), 0.05);
    }

    [Fact]
    public void Whatever_is_added_chances_rise_with_confidence_and_stay_chances()
    {
        Random random = new(3);
        for (int turn = 0; turn < 40; turn++)
        {
            AcceptanceCalibration calibration = new();
            for (int i = 0; i < 300; i++)
            {
                float confidence = turn % 4 == 0 ? Confidences[random.Next(Confidences.Length)] : (float)Math.Pow(random.NextDouble(), 0.2);
                // Also where the drafter is the less right the surer it is.
                calibration.Add(confidence, random.NextDouble() < (turn % 2 == 0 ? 1 - confidence : 0.5));
                if (i % 10 != 0)
                {
                    continue;
                }

                double last = 0;
                for (int step = 0; step <= 2_000; step++)
                {
                    double chance = calibration.Chance(step / 2_000f);
                    Assert.InRange(chance, last, 1);
                    last = chance;
                }
            }
        }
    }

    [Fact]
    public void Between_bins_it_makes_no_jump()
    {
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 1_000; i++)
        {
            calibration.Add(0.45f, Accepted(i, 1));
            calibration.Add(0.55f, Accepted(i, 9));
        }

        Assert.Equal(0.5, calibration.Chance(0.5f), 0.03);
        for (float confidence = 0; confidence < 1; confidence += 1e-4f)
        {
            Assert.InRange(calibration.Chance(confidence + 1e-4f) - calibration.Chance(confidence), 0, 1e-3);
        }
    }

    [Fact]
    public void Bins_without_data_follow_their_neighbours_and_how_right_the_drafter_is()
    {
        AcceptanceCalibration calibration = new();
        double high = calibration.Chance(0.999f);
        double low = calibration.Chance(0.3f);
        for (int i = 0; i < 400; i++)
        {
            calibration.Add(0.75f, Accepted(i, 1));
        }

        // Below, none is likelier; above, where nothing was tried, the drafter is trusted less than at first, but more than there.
        Assert.True(calibration.Chance(0.3f) <= calibration.Chance(0.75f));
        Assert.InRange(calibration.Chance(0.3f), 0, low / 2);
        Assert.InRange(calibration.Chance(0.999f), calibration.Chance(0.75f), high / 2);

        calibration = new();
        for (int i = 0; i < 400; i++)
        {
            calibration.Add(0.75f, true);
        }

        Assert.InRange(calibration.Chance(0.999f), 0.97, 1);
        Assert.InRange(calibration.Chance(0.3f), low + 0.2, calibration.Chance(0.75f));
    }

    [Fact]
    public void A_bin_that_nothing_comes_to_any_more_is_forgotten()
    {
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 500; i++)
        {
            calibration.Add(0.999f, false);
        }

        Assert.InRange(calibration.Chance(0.999f), 0, 0.05);
        for (int i = 0; i < 50_000; i++)
        {
            calibration.Add(0.55f, Accepted(i, 5));
        }

        Assert.InRange(calibration.Chance(0.999f), 0.85, 1);
    }

    [Fact]
    public void Confidences_that_are_none_count_as_the_nearest_that_are()
    {
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 100; i++)
        {
            calibration.Add(float.NaN, false);
            calibration.Add(-3, false);
            calibration.Add(float.NegativeInfinity, false);
            calibration.Add(7, true);
            calibration.Add(float.PositiveInfinity, true);
            calibration.AddNext(float.NaN, double.NaN);
            calibration.AddNext(9, double.PositiveInfinity);
            calibration.AddFirst(double.NaN);
            calibration.AddFirst(-1);
            calibration.AddFirst(double.NegativeInfinity);
        }

        Assert.Equal(calibration.Chance(0), calibration.Chance(float.NaN));
        Assert.Equal(calibration.Chance(0), calibration.Chance(-1));
        Assert.Equal(calibration.Chance(1), calibration.Chance(float.PositiveInfinity));
        Assert.InRange(calibration.Chance(0), 0, 0.02);
        Assert.InRange(calibration.Chance(1), 0.98, 1);
        Assert.InRange(calibration.NextAfter(float.NaN), 0, 0.1);
        Assert.InRange(calibration.NextAfter(2), 0.9, 1);
        Assert.InRange(calibration.First, 0, 0.1);
        Assert.Equal(0.4, calibration.Mean, 0.05);
    }

    [Fact]
    public void The_next_token_is_expected_to_be_as_those_after_like_tokens_were()
    {
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 2_000; i++)
        {
            calibration.Add(0.9f, Accepted(i, 6));
            calibration.AddNext(0.35f, i % 2 == 0 ? 0.1 : 0.3);
            calibration.AddNext(0.999f, 0.9);
            calibration.AddFirst(i % 4 == 0 ? 0.6 : 0.8);
        }

        Assert.Equal(0.2, calibration.NextAfter(0.35f), 0.02);
        Assert.Equal(0.9, calibration.NextAfter(0.999f), 0.02);
        Assert.Equal(0.75, calibration.First, 0.02);

        // None came after tokens of such confidence, so the mean of all is expected.
        Assert.Equal(calibration.Mean, calibration.NextAfter(0.835f), 1e-12);
        for (int i = 0; i < 10_000; i++)
        {
            calibration.AddNext(0.999f, 0.5);
        }

        Assert.Equal(0.5, calibration.NextAfter(0.999f), 0.01);
        Assert.Equal(calibration.Mean, calibration.NextAfter(0.35f), 1e-6);
    }

    [Fact]
    public void What_is_restored_answers_as_what_was_saved_also_after_more_tokens()
    {
        AcceptanceCalibration calibration = Taught(5);
        Assert.True(AcceptanceCalibration.TryRestore(calibration.Snapshot(), out AcceptanceCalibration? restored));
        for (int i = 0; i < 200; i++)
        {
            AssertSame(calibration, restored);
            float confidence = i / 200f;
            foreach (AcceptanceCalibration each in (AcceptanceCalibration[])[calibration, restored])
            {
                each.Add(confidence, i % 3 == 0);
                each.AddNext(confidence, 0.4);
                each.AddFirst(0.9);
            }
        }

        Assert.True(AcceptanceCalibration.TryRestore(new AcceptanceCalibration().Snapshot(), out restored));
        AssertSame(new(), restored);
    }

    [Fact]
    public void A_snapshot_is_a_copy()
    {
        AcceptanceCalibration calibration = Taught(6);
        CalibrationState state = calibration.Snapshot();
        double chance = calibration.Chance(0.9f);
        calibration.Add(0.9f, false);
        Assert.True(AcceptanceCalibration.TryRestore(state, out AcceptanceCalibration? restored));
        Assert.Equal(chance, restored.Chance(0.9f));
        state.Evaluated[3] = 400;
        Assert.Equal(chance, restored.Chance(0.9f));
    }

    [Fact]
    public void A_state_that_could_not_have_come_about_is_refused()
    {
        CalibrationState state = Taught(7).Snapshot();
        Assert.True(AcceptanceCalibration.TryRestore(state with { }, out _));
        Assert.False(AcceptanceCalibration.TryRestore(null, out AcceptanceCalibration? restored));
        Assert.Null(restored);
        foreach (double[] wrong in (double[][])[null!, [], new double[AcceptanceCalibration.Bins - 1], new double[AcceptanceCalibration.Bins + 1],
            With(double.NaN), With(-1e-3), With(double.PositiveInfinity), With(double.NegativeInfinity), With(1e300), With(AcceptanceCalibration.Memory + 1)])
        {
            Assert.False(AcceptanceCalibration.TryRestore(state with { Evaluated = wrong }, out _));
            Assert.False(AcceptanceCalibration.TryRestore(state with { Accepted = wrong }, out _));
            Assert.False(AcceptanceCalibration.TryRestore(state with { Predicted = wrong }, out _));
            Assert.False(AcceptanceCalibration.TryRestore(state with { NextCounts = wrong }, out _));
            Assert.False(AcceptanceCalibration.TryRestore(state with { NextChances = wrong }, out _));
        }

        foreach (double wrong in (double[])[double.NaN, -1, double.PositiveInfinity, 1e6])
        {
            Assert.False(AcceptanceCalibration.TryRestore(state with { FirstCount = wrong }, out _));
            Assert.False(AcceptanceCalibration.TryRestore(state with { FirstChances = wrong }, out _));
        }

        // More accepted than evaluated, and more in all than are remembered.
        Assert.False(AcceptanceCalibration.TryRestore(state with { Accepted = [.. state.Evaluated.Select(count => count + 1)] }, out _));
        Assert.False(AcceptanceCalibration.TryRestore(
            state with { Evaluated = [.. Enumerable.Repeat(AcceptanceCalibration.Memory / 2, AcceptanceCalibration.Bins)] }, out _));

        static double[] With(double value) => [.. Enumerable.Repeat(0.0, AcceptanceCalibration.Bins - 1), value];
    }

    [Fact]
    public void Learning_and_asking_allocate_nothing()
    {
        AcceptanceCalibration calibration = Taught(8);
        Ask(calibration);
        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                Ask(calibration);
            }
        }));

        static void Ask(AcceptanceCalibration calibration)
        {
            calibration.Add(0.8f, true);
            calibration.AddNext(0.8f, calibration.Chance(0.7f));
            calibration.AddFirst(calibration.NextAfter(0.6f) * calibration.First * calibration.Mean * calibration.Error / (1 + calibration.Weight));
        }
    }

    // So many of ten in turn, spread evenly.
    private static bool Accepted(int turn, int outOf10) => turn * 7 % 10 < outOf10;

    private static AcceptanceCalibration Taught(int seed)
    {
        Random random = new(seed);
        AcceptanceCalibration calibration = new();
        for (int i = 0; i < 1_500; i++)
        {
            float confidence = (float)Math.Sqrt(random.NextDouble());
            calibration.Add(confidence, random.NextDouble() < confidence);
            calibration.AddNext(confidence, random.NextDouble());
            calibration.AddFirst(random.NextDouble());
        }

        return calibration;
    }

    private static void AssertSame(AcceptanceCalibration expected, AcceptanceCalibration actual)
    {
        foreach (float confidence in Confidences)
        {
            Assert.Equal(expected.Chance(confidence), actual.Chance(confidence));
            Assert.Equal(expected.NextAfter(confidence), actual.NextAfter(confidence));
        }

        Assert.Equal(
            (expected.Mean, expected.Weight, expected.First, expected.Error), (actual.Mean, actual.Weight, actual.First, actual.Error));
    }
}
