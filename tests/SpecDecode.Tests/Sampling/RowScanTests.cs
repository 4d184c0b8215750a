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
        }
    }

    [Fact]
    public void The_mass_not_below_a_number_is_that_of_doubles()
    {
        RandomRows rows = new(43);
        for (int i = 0; i < 5_000; i++)
        {
            float[] row = [.. rows.Row().Select(logit => (float)Math.Exp(logit / 40))];
            float lowest = i % 9 == 0 ? 0 : row[rows.Below(row.Length)];
            double expected = row.Where(number => number >= lowest).Sum(number => (double)number);

            Assert.Equal(expected, RowScan.MassAtLeast(row, lowest, out int count), 1e-6 * expected);
            Assert.Equal(row.Count(number => number >= lowest), count);
        }
    }
}
