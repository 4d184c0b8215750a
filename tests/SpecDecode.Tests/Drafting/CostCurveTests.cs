using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

public class CostCurveTests
{
    [Fact]
    public void Without_a_sample_there_is_no_answer()
    {
        CostCurve curve = new(8);
        Assert.True(curve.IsEmpty);
        Assert.False(curve.IsKnown(1));
        Assert.Contains("IsEmpty", Assert.Throws<InvalidOperationException>(() => curve.At(1)).Message, StringComparison.Ordinal);
        curve.Add(2, 0.5);
        Assert.False(curve.IsEmpty);
        Assert.Equal(0.5, curve.At(2), 1e-6);
    }

    [Fact]
    public void Between_known_counts_it_interpolates_and_beyond_it_follows_the_outermost_line()
    {
        CostCurve curve = new(20);
        Measure(curve, CostCurve.KnownSamples, (3, 1.0), (5, 1.5), (10, 2.0));
        Check(curve, (1, 0.5), (2, 0.75), (3, 1.0), (4, 1.25), (5, 1.5), (6, 1.6), (9, 1.9), (10, 2.0), (11, 2.1), (20, 3.0), (21, 3.1), (1_000, 101));
        Assert.Equal([3, 5, 10], Enumerable.Range(-1, 30).Where(curve.IsKnown));
    }

    [Fact]
    public void With_one_known_count_a_row_more_costs_a_part_of_the_first()
    {
        CostCurve curve = new(64);
        Measure(curve, 3, (1, 2.0));
        Check(curve, (1, 2.0), (2, 2.16), (11, 3.6), (64, 12.08), (101, 18));

        curve = new(64);
        Measure(curve, 3, (11, 3.6));
        Check(curve, (1, 2.0), (2, 2.16), (11, 3.6), (64, 12.08), (101, 18));
    }

    [Fact]
    public void However_steep_the_line_fewer_rows_take_some_time()
    {
        CostCurve curve = new(10);
        Measure(curve, 3, (4, 1.0), (5, 9.0));
        Check(curve, (1, 0.25), (2, 0.5), (3, 0.75), (4, 1));
    }

    [Fact]
    public void A_count_with_few_samples_is_not_known_and_bends_nothing_while_others_are()
    {
        CostCurve curve = new(10);
        curve.Add(2, 7);
        curve.Add(2, 3);
        Check(curve, (2, 3));
        Measure(curve, 3, (1, 1.0), (3, 2.0));
        Check(curve, (2, 1.5));
        Assert.False(curve.IsKnown(2));
        curve.Add(2, 3);
        Assert.True(curve.IsKnown(2));
        Assert.True(curve.At(2) > 1.9);
    }

    [Fact]
    public void A_slow_sample_moves_nothing()
    {
        for (int measured = CostCurve.KnownSamples; measured < 40; measured++)
        {
            CostCurve curve = new(4);
            Measure(curve, measured, (1, 1.0), (2, 1.1), (4, 1.3));
            curve.Add(2, 50);
            Check(curve, (1, 1), (2, 1.1), (3, 1.2), (4, 1.3), (6, 1.5));
        }
    }

    [Fact]
    public void Passes_of_which_a_third_is_disturbed_count_as_if_none_were()
    {
        CostCurve curve = new(5);
        Random random = new(11);
        for (int i = 0; i < 3_000; i++)
        {
            // Of each count two in a row of six.
            int rows = i % 5 + 1;
            double noise = 1 + random.NextDouble() * 0.02;
            curve.Add(rows, (1 + 0.1 * rows) * (i % 6 < 2 ? 4 + 3 * random.NextDouble() : noise));
            if (i > 300)
            {
                for (int asked = 1; asked <= 5; asked++)
                {
                    Assert.InRange(curve.At(asked), (1 + 0.1 * asked) * 0.98, (1 + 0.1 * asked) * 1.25);
                }
            }
        }
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(0.5)]
    [InlineData(1.2)]
    public void A_lasting_change_is_followed_after_eight_samples_of_each_count_and_not_overdone(double factor)
    {
        CostCurve curve = new(8);
        (int Rows, double Seconds)[] costs = [(1, 1.0), (3, 1.2), (5, 1.5)];
        Measure(curve, 100, costs);
        (int Rows, double Seconds)[] changed = [.. costs.Select(cost => (cost.Rows, cost.Seconds * factor))];
        for (int i = 1; i <= 60; i++)
        {
            Measure(curve, 1, changed);
            if (i >= 8)
            {
                Assert.All(changed, cost => Assert.InRange(curve.At(cost.Rows) / cost.Seconds, 0.9, 1.1));
            }
        }

        Check(curve, [.. changed]);
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(0.4)]
    [InlineData(1.3)]
    public void A_count_not_measured_for_long_follows_the_others(double factor)
    {
        CostCurve curve = new(8);
        Measure(curve, 30, (1, 1.0), (2, 1.1), (3, 1.2), (6, 1.7));
        Measure(curve, 100, (1, factor), (2, 1.1 * factor), (3, 1.2 * factor));
        Assert.Equal(1.7 * factor, curve.At(6), 0.1 * factor);
        Assert.Equal(1.2 * factor, curve.At(3), 1e-5);

        // Measured again it tells whether that was right: here it has stayed as it was.
        double own = Math.Max(1.7, 1.4 * factor);
        for (int i = 0; i < 8; i++)
        {
            curve.Add(6, own);
        }

        Assert.Equal(own, curve.At(6), 0.05 * own);
        // The others are old by then, and go along a little where that one has not stayed in proportion.
        Assert.Equal(1.2 * factor, curve.At(3), 0.25 * factor);
    }

    [Fact]
    public void An_old_count_that_contradicts_recent_ones_gives_way()
    {
        // One count only is measured on, and has become slower than the others with more rows.
        CostCurve curve = new(8);
        Measure(curve, 15, (2, 1.0), (3, 1.01), (4, 1.02));
        for (int i = 0; i < 40; i++)
        {
            curve.Add(2, 3);
            Assert.True(curve.At(3) >= curve.At(2) && curve.At(4) >= curve.At(3));
            if (i >= 16)
            {
                Assert.Equal(3, curve.At(2), 0.25);
            }
        }

        Assert.Equal(3, curve.At(2), 1e-4);
        Assert.Equal(3.06, curve.At(4), 0.05);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public void Noise_alone_does_not_lead_an_old_count_away(int counts)
    {
        Random random = new(counts);
        for (int turn = 0; turn < 20; turn++)
        {
            CostCurve curve = new(12);
            for (int i = 0; i < 3_000; i++)
            {
                // Twelve rows only at first.
                int rows = i < 200 && i % 5 == 0 ? 12 : random.Next(1, counts + 1);
                curve.Add(rows, (1 + 0.1 * rows) * (1 + 0.2 * (random.NextDouble() - 0.5)));
            }

            Assert.InRange(curve.At(12), 2.2 * 0.85, 2.2 * 1.15);
        }
    }

    [Theory]
    [InlineData(2.0)]
    [InlineData(0.5)]
    public void Counts_measured_at_random_do_not_overdo_a_change(double factor)
    {
        Random random = new(8);
        for (int turn = 0; turn < 20; turn++)
        {
            CostCurve curve = new(12);
            for (int i = 0; i < 600; i++)
            {
                double expected = i < 200 ? 1 : factor;
                int rows = random.Next(1, 6);
                curve.Add(rows, (1 + 0.1 * rows) * (1 + 0.04 * random.NextDouble()) * expected);
                for (int asked = 1; asked < 6 && i is (< 200 or > 350); asked++)
                {
                    // Some of the samples that were scaled along are left at first.
                    double ratio = curve.At(asked) / (1 + 0.1 * asked) / expected;
                    double room = i is < 200 or > 450 ? 0.1 : 0.35;
                    Assert.True(i < 20 || Math.Abs(ratio - 1) < room, $"turn {turn}, add {i}: {ratio} of the cost of {asked} rows");
                }
            }
        }
    }

    [Fact]
    public void Whatever_is_added_more_rows_never_take_less_and_all_take_some_time()
    {
        Random random = new(5);
        for (int turn = 0; turn < 60; turn++)
        {
            int maxRows = turn < 4 ? CostCurve.MostRows : random.Next(1, 20);
            CostCurve curve = new(maxRows);
            double[] absurd = [double.NaN, 0, -1, double.PositiveInfinity, double.NegativeInfinity, 1e300, 1e-300, double.MaxValue, 1e-9, 86_400];
            for (int i = 0; i < 400; i++)
            {
                int rows = random.Next(1, maxRows + 3);
                curve.Add(rows, random.Next(10) == 0 ? absurd[random.Next(absurd.Length)] : Math.Exp(random.NextDouble() * (turn % 10) - 3));
                if (curve.IsEmpty)
                {
                    continue;
                }

                double last = 0;
                for (int asked = 1; asked < maxRows + 5; asked++)
                {
                    double seconds = curve.At(asked);
                    Assert.True(double.IsFinite(seconds) && seconds > 0 && seconds >= last, $"turn {turn}, add {i}: {seconds} at {asked} after {last}");
                    last = seconds;
                }

                Assert.InRange(curve.At(int.MaxValue), last, double.MaxValue);
            }
        }
    }

    [Fact]
    public void What_is_no_time_of_a_pass_is_ignored()
    {
        CostCurve curve = new(4);
        foreach (double seconds in (double[])[double.NaN, 0, -0.0, -1, double.PositiveInfinity, double.NegativeInfinity, 1e300, 1e-300, 86_401])
        {
            curve.Add(1, seconds);
        }

        curve.Add(5, 1);
        curve.Add(int.MaxValue, 1);
        Assert.True(curve.IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => curve.Add(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => curve.Add(-4, 1));
        curve.Add(1, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => curve.At(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CostCurve(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CostCurve(CostCurve.MostRows + 1));
    }

    [Fact]
    public void What_is_restored_answers_as_what_was_saved_also_after_more_samples()
    {
        foreach (int samples in (int[])[0, 1, 2, 20, 500])
        {
            CostCurve curve = Measured(samples, 12);
            Assert.True(CostCurve.TryRestore(curve.Snapshot(), 12, out CostCurve? restored));
            Assert.Equal((curve.IsEmpty, curve.MaxRows), (restored.IsEmpty, restored.MaxRows));
            Random random = new(2);
            for (int i = 0; i < 100; i++)
            {
                for (int rows = 1; rows < 20 && !curve.IsEmpty; rows++)
                {
                    Assert.Equal(curve.IsKnown(rows), restored.IsKnown(rows));
                    Assert.Equal(curve.At(rows), restored.At(rows), i == 0 ? 0 : 1e-6);
                }

                int next = random.Next(1, 4);
                double seconds = next + random.NextDouble();
                curve.Add(next, seconds);
                restored.Add(next, seconds);
            }
        }
    }

    [Fact]
    public void A_state_that_could_not_have_come_about_is_refused()
    {
        CostState state = Measured(300, 6).Snapshot();
        Assert.True(CostCurve.TryRestore(state, 6, out _));
        Assert.True(CostCurve.TryRestore(state, CostCurve.MostRows, out _));
        Assert.False(CostCurve.TryRestore(state, 5, out CostCurve? restored));
        Assert.Null(restored);
        Assert.False(CostCurve.TryRestore(null, 6, out _));
        Assert.False(CostCurve.TryRestore(new CostState { Costs = null! }, 6, out _));
        Assert.False(CostCurve.TryRestore(new CostState { Costs = [null!] }, 6, out _));
        Assert.False(CostCurve.TryRestore(new CostState { Costs = [state.Costs[0], state.Costs[0]] }, 6, out _));
        Assert.False(CostCurve.TryRestore(new CostState { Costs = [.. state.Costs.Reverse()] }, 6, out _));

        RowCost sound = state.Costs[3];
        Assert.True(With(sound));
        Assert.False(With(sound with { Rows = 0 }));
        Assert.False(With(sound with { Rows = int.MinValue }));
        Assert.False(With(sound with { Seconds = null! }));
        Assert.False(With(sound with { Seconds = [] }));
        Assert.False(With(sound with { Seconds = new double[CostCurve.KeptSamples + 1] }));
        Assert.False(With(sound with { Age = -1 }));
        Assert.False(With(sound with { Age = long.MaxValue }));
        foreach (double wrong in (double[])[double.NaN, -1, 0, double.PositiveInfinity, double.NegativeInfinity, 1e300, 1e-300])
        {
            Assert.False(With(sound with { Seconds = [.. sound.Seconds.SkipLast(1), wrong] }));
            Assert.False(With(sound with { Weight = wrong }));
            Assert.Equal(Math.Abs(wrong) <= 1, With(sound with { Drift = wrong }));
        }

        bool With(RowCost cost) => CostCurve.TryRestore(new CostState { Costs = [cost] }, 6, out _);
    }

    [Fact]
    public void A_snapshot_is_a_copy()
    {
        CostCurve curve = Measured(300, 6);
        CostState state = curve.Snapshot();
        double before = curve.At(2);
        state.Costs[1].Seconds.AsSpan().Fill(99);
        curve.Add(3, 2);
        Assert.Equal(before, curve.At(2), 0.01 * before);
    }

    [Fact]
    public void Measuring_and_asking_allocate_nothing()
    {
        CostCurve curve = Measured(100, 64);
        double sum = curve.At(3);
        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                curve.Add(i % 9 + 1, 1 + i % 5);
                sum += curve.At(5) + curve.At(100) + (curve.IsKnown(7) ? 1 : 0);
            }
        }));
        Assert.True(sum > 0);
    }

    // The counts in turn, so often.
    private static void Measure(CostCurve curve, int times, params (int Rows, double Seconds)[] costs)
    {
        for (int i = 0; i < times; i++)
        {
            foreach ((int rows, double seconds) in costs)
            {
                curve.Add(rows, seconds);
            }
        }
    }

    private static CostCurve Measured(int samples, int maxRows)
    {
        Random random = new(samples);
        CostCurve curve = new(maxRows);
        for (int i = 0; i < samples; i++)
        {
            // The machine slows down, and the counts drift apart in age.
            int rows = 1 + (int)(maxRows * Math.Pow(random.NextDouble(), 1 + i / 100.0));
            curve.Add(rows, (1 + 0.1 * rows + random.NextDouble()) * (1 + i / 300.0));
        }

        return curve;
    }

    private static void Check(CostCurve curve, params (int Rows, double Seconds)[] expected) =>
        Assert.All(expected, cost => Assert.Equal(cost.Seconds, curve.At(cost.Rows), 1e-5 * cost.Seconds));
}
