using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class RowScanTests
{
    [Fact]
    public void The_highest_is_the_first_of_equal_ones_in_rows_of_every_shape()
    {
        RandomRows rows = new(41);
        for (int i = 0; i < 5_000; i++)
        {
            float[] row = rows.Row();
            Assert.Equal(Array.IndexOf(row, row.Max()), RowScan.IndexOfHighest(row));
            row[rows.Below(row.Length)] = float.NaN;
            Assert.Equal(float.NaN, row[RowScan.IndexOfHighest(row)]);
        }

        Assert.Equal(0, RowScan.IndexOfHighest([float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(1, RowScan.IndexOfHighest([3, float.PositiveInfinity]));
    }

    [Fact]
    public void The_places_not_below_a_number_are_all_found_in_order()
    {
        RandomRows rows = new(42);
        int[] places = new int[RowScan.BlockTokens];
        for (int i = 0; i < 5_000; i++)
        {
            float[] block = [.. rows.Row().Take(RowScan.BlockTokens)];
            float lowest = i % 9 == 0 ? float.NegativeInfinity : block[rows.Below(block.Length)];
            int count = RowScan.AtLeast(block, lowest, places);
            Assert.Equal(Enumerable.Range(0, block.Length).Where(place => block[place] >= lowest), places[..count]);

            float limit = block[rows.Below(block.Length)];
            count = RowScan.Between(block, lowest, limit, places);
            Assert.Equal(Enumerable.Range(0, block.Length).Where(place => block[place] >= lowest && block[place] < limit), places[..count]);
        }
    }

    [Fact]
    public void The_masses_from_bounds_up_are_those_of_doubles()
    {
        RandomRows rows = new(43);
        double[] masses = new double[RowScan.Bounds];
        int[] counts = new int[RowScan.Bounds];
        for (int i = 0; i < 5_000; i++)
        {
            float[] row = [.. rows.Row(i % 10 == 0 ? 5_000 : 700).Select(logit => (float)Math.Exp(logit / 40))];
            float[] bounds = [.. Enumerable.Range(0, RowScan.Bounds).Select(bound => (i + bound) % 9 == 0 ? 0 : row[rows.Below(row.Length)])];
            RowScan.MassesFrom(row, bounds, masses, counts);
            for (int bound = 0; bound < bounds.Length; bound++)
            {
                double expected = row.Where(number => number >= bounds[bound]).Sum(number => (double)number);
                Assert.Equal(expected, masses[bound], 3e-6 * expected);
                Assert.Equal(row.Count(number => number >= bounds[bound]), counts[bound]);
            }
        }
    }

    [Fact]
    public void What_is_packed_is_all_between_the_bounds_in_order_also_in_place()
    {
        RandomRows rows = new(44);
        for (int i = 0; i < 5_000; i++)
        {
            float[] row = rows.Row();
            float[] others = [.. row.Select((_, place) => (float)place)];
            float from = i % 9 == 0 ? float.NegativeInfinity : row[rows.Below(row.Length)];
            float below = row[rows.Below(row.Length)];
            int[] expected = [.. Enumerable.Range(0, row.Length).Where(place => row[place] >= from && row[place] < below)];
            float[] packed = new float[row.Length];
            float[] packedOthers = new float[row.Length];

            Assert.Equal(expected.Length, RowScan.Pack(row, others, from, below, packed, packedOthers));
            Assert.Equal(expected.Select(place => row[place]), packed.Take(expected.Length));
            Assert.Equal(expected.Select(place => (float)place), packedOthers.Take(expected.Length));

            row.CopyTo(packed, 0);
            others.CopyTo(packedOthers, 0);
            Assert.Equal(
                expected.Length, RowScan.Pack(packed.AsSpan(0, row.Length), packedOthers.AsSpan(0, row.Length), from, below, packed, packedOthers));
            Assert.Equal(expected.Select(place => (float)place), packedOthers.Take(expected.Length));
        }
    }
}
