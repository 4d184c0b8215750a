using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>Looks a long row through, of which few tokens matter, block by block.</summary>
internal static class RowScan
{
    /// <summary>Tokens of a block; the last of a row may be shorter.</summary>
    public const int BlockTokens = 128;

    /// <summary>The place of the highest, the first of equal ones; that of a NaN if there is one.</summary>
    /// <param name="row">The row, not empty.</param>
    public static int IndexOfHighest(ReadOnlySpan<float> row)
    {
        int best = 0;
        float highest = float.NegativeInfinity;
        for (int start = 0; start < row.Length; start += BlockTokens)
        {
            float block = TensorPrimitives.Max(row[start..Math.Min(start + BlockTokens, row.Length)]);
            if (block > highest || float.IsNaN(block))
            {
                (best, highest) = (start, block);
                if (float.IsNaN(block))
                {
                    break;
                }
            }
        }

        while (row[best] != highest && !float.IsNaN(row[best]))
        {
            best++;
        }

        return best;
    }

    /// <summary>The places in a block of numbers that are not below one.</summary>
    /// <param name="block">At most <see cref="BlockTokens"/> numbers, none of them NaN.</param>
    /// <param name="lowest">That one.</param>
    /// <param name="places">Get the places, ascending; as many as there are in the block fit.</param>
    /// <returns>How many there are.</returns>
    public static int AtLeast(ReadOnlySpan<float> block, float lowest, Span<int> places)
    {
        int count = 0;
        int i = 0;
        for (; i + Vector256<float>.Count <= block.Length; i += Vector256<float>.Count)
        {
            uint found = Vector256.GreaterThanOrEqual(Vector256.Create(block[i..]), Vector256.Create(lowest)).ExtractMostSignificantBits();
            for (; found != 0; found &= found - 1)
            {
                places[count++] = i + BitOperations.TrailingZeroCount(found);
            }
        }

        for (; i < block.Length; i++)
        {
            if (block[i] >= lowest)
            {
                places[count++] = i;
            }
        }

        return count;
    }

    /// <summary>The sum of the numbers that are not below one.</summary>
    /// <param name="row">The numbers, none of them NaN.</param>
    /// <param name="lowest">That one.</param>
    /// <param name="count">How many they are.</param>
    public static double MassAtLeast(ReadOnlySpan<float> row, float lowest, out int count)
    {
        double mass = 0;
        count = 0;
        for (int start = 0; start < row.Length; start += BlockTokens)
        {
            // A long sum in floats would lose what its small terms add up to.
            mass += MassOfBlock(row[start..Math.Min(start + BlockTokens, row.Length)], lowest, ref count);
        }

        return mass;
    }

    private static float MassOfBlock(ReadOnlySpan<float> block, float lowest, ref int count)
    {
        Vector256<float> sums = default;
        Vector256<int> counts = default;
        int i = 0;
        for (; i + Vector256<float>.Count <= block.Length; i += Vector256<float>.Count)
        {
            Vector256<float> numbers = Vector256.Create(block[i..]);
            Vector256<float> found = Vector256.GreaterThanOrEqual(numbers, Vector256.Create(lowest));
            sums += numbers & found;
            counts -= found.AsInt32();
        }

        float mass = Vector256.Sum(sums);
        count += Vector256.Sum(counts);
        for (; i < block.Length; i++)
        {
            if (block[i] >= lowest)
            {
                mass += block[i];
                count++;
            }
        }

        return mass;
    }
}
