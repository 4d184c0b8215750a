using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>Looks a long row through, of which few tokens matter, block by block.</summary>
internal static class RowScan
{
    /// <summary>Tokens of a block; the last of a row may be shorter.</summary>
    public const int BlockTokens = 128;

    /// <summary>Bounds that <see cref="MassesFrom"/> sums up from.</summary>
    public const int Bounds = 3;

    private const int MassTokens = 1024;

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
    /// <inheritdoc cref="Between" path="/param"/>
    /// <inheritdoc cref="Between" path="/returns"/>
    public static int AtLeast(ReadOnlySpan<float> block, float lowest, Span<int> places) =>
        Between(block, lowest, float.PositiveInfinity, places);

    /// <summary>The places in a block of numbers that are not below one, and below another.</summary>
    /// <param name="block">At most <see cref="BlockTokens"/> finite numbers, or −∞.</param>
    /// <param name="lowest">The one.</param>
    /// <param name="limit">The other.</param>
    /// <param name="places">Get the places, ascending; as many as there are in the block fit.</param>
    /// <returns>How many there are.</returns>
    public static int Between(ReadOnlySpan<float> block, float lowest, float limit, Span<int> places)
    {
        int count = 0;
        int i = 0;
        for (; i + Vector256<float>.Count <= block.Length; i += Vector256<float>.Count)
        {
            Vector256<float> numbers = Vector256.Create(block[i..]);
            Vector256<float> within = Vector256.GreaterThanOrEqual(numbers, Vector256.Create(lowest)) & Vector256.LessThan(numbers, Vector256.Create(limit));
            for (uint found = within.ExtractMostSignificantBits(); found != 0; found &= found - 1)
            {
                places[count++] = i + BitOperations.TrailingZeroCount(found);
            }
        }

        for (; i < block.Length; i++)
        {
            if (block[i] >= lowest && block[i] < limit)
            {
                places[count++] = i;
            }
        }

        return count;
    }

    /// <summary>The sums of the numbers from some bounds up.</summary>
    /// <param name="row">Numbers from 0 up.</param>
    /// <param name="bounds">As many bounds as <see cref="Bounds"/>.</param>
    /// <param name="masses">Gets the sums.</param>
    /// <param name="counts">Gets how many numbers they are of.</param>
    public static void MassesFrom(ReadOnlySpan<float> row, ReadOnlySpan<float> bounds, Span<double> masses, Span<int> counts)
    {
        masses[..Bounds].Clear();
        counts[..Bounds].Clear();
        for (int start = 0; start < row.Length; start += MassTokens)
        {
            // A longer sum in floats would lose what its small terms add up to.
            AddMasses(row[start..Math.Min(start + MassTokens, row.Length)], bounds, masses, counts);
        }
    }

    /// <summary>Packs the numbers from a bound up to below another, and what belongs to them.</summary>
    /// <param name="row">The numbers; none is NaN.</param>
    /// <param name="others">As many others.</param>
    /// <param name="from">The bound.</param>
    /// <param name="below">The other.</param>
    /// <param name="packed">Gets the numbers, in their order; may be the row itself.</param>
    /// <param name="packedOthers">Gets the others, likewise.</param>
    /// <returns>How many there are.</returns>
    public static int Pack(
        ReadOnlySpan<float> row, ReadOnlySpan<float> others, float from, float below, Span<float> packed, Span<float> packedOthers)
    {
        int count = 0;
        int i = 0;
        for (; i + Vector512<float>.Count <= row.Length; i += Vector512<float>.Count)
        {
            Vector512<float> numbers = Vector512.Create(row[i..]);
            Vector512<float> within =
                Vector512.GreaterThanOrEqual(numbers, Vector512.Create(from)) & Vector512.LessThan(numbers, Vector512.Create(below));
            for (ulong found = within.ExtractMostSignificantBits(); found != 0; found &= found - 1, count++)
            {
                int place = i + BitOperations.TrailingZeroCount(found);
                (packed[count], packedOthers[count]) = (row[place], others[place]);
            }
        }

        for (; i < row.Length; i++)
        {
            if (row[i] >= from && row[i] < below)
            {
                (packed[count], packedOthers[count]) = (row[i], others[i]);
                count++;
            }
        }

        return count;
    }

    private static void AddMasses(ReadOnlySpan<float> row, ReadOnlySpan<float> bounds, Span<double> masses, Span<int> counts)
    {
        Vector512<float> first = Vector512.Create(bounds[0]);
        Vector512<float> second = Vector512.Create(bounds[1]);
        Vector512<float> third = Vector512.Create(bounds[2]);
        Vector512<float> firstMass = default, secondMass = default, thirdMass = default;
        Vector512<int> firstCount = default, secondCount = default, thirdCount = default;
        while (row.Length >= Vector512<float>.Count)
        {
            Vector512<float> numbers = Vector512.Create(row);
            Vector512<float> isFound = Vector512.GreaterThanOrEqual(numbers, first);
            firstMass += numbers & isFound;
            firstCount -= isFound.AsInt32();
            isFound = Vector512.GreaterThanOrEqual(numbers, second);
            secondMass += numbers & isFound;
            secondCount -= isFound.AsInt32();
            isFound = Vector512.GreaterThanOrEqual(numbers, third);
            thirdMass += numbers & isFound;
            thirdCount -= isFound.AsInt32();
            row = row[Vector512<float>.Count..];
        }

        (masses[0], counts[0]) = (masses[0] + Vector512.Sum(firstMass), counts[0] + Vector512.Sum(firstCount));
        (masses[1], counts[1]) = (masses[1] + Vector512.Sum(secondMass), counts[1] + Vector512.Sum(secondCount));
        (masses[2], counts[2]) = (masses[2] + Vector512.Sum(thirdMass), counts[2] + Vector512.Sum(thirdCount));
        foreach (float number in row)
        {
            for (int i = 0; i < Bounds; i++)
            {
                (masses[i], counts[i]) = number >= bounds[i] ? (masses[i] + number, counts[i] + 1) : (masses[i], counts[i]);
            }
        }
    }
}
