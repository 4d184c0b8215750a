namespace SpecDecode.Calibration;

/// <summary>The 0/1 knapsack by dynamic programming, for several capacities at once.</summary>
internal static class Knapsack
{
    /// <summary>Chooses for each capacity the items of most value whose weights fit.</summary>
    /// <param name="weights">Of each item, 1 or more.</param>
    /// <param name="values">Of each item, 0 or more. What adds no value is not chosen.</param>
    /// <param name="capacities">The capacities, each 0 or more.</param>
    /// <returns>For each capacity a bit for each item; of equally good choices always the same one.</returns>
    public static IReadOnlyList<bool[]> Solve(IReadOnlyList<int> weights, IReadOnlyList<double> values, IReadOnlyList<int> capacities)
    {
        int most = capacities.Max();
        double[] best = new double[most + 1];
        bool[,] isTaken = new bool[weights.Count, most + 1];
        for (int item = 0; item < weights.Count; item++)
        {
            // From above, so that no item is taken twice.
            for (int capacity = most; capacity >= weights[item]; capacity--)
            {
                double value = best[capacity - weights[item]] + values[item];
                if (value > best[capacity])
                {
                    best[capacity] = value;
                    isTaken[item, capacity] = true;
                }
            }
        }

        return [.. capacities.Select(capacity => Trace(weights, isTaken, capacity))];
    }

    private static bool[] Trace(IReadOnlyList<int> weights, bool[,] isTaken, int capacity)
    {
        bool[] chosen = new bool[weights.Count];
        for (int item = weights.Count - 1; item >= 0; item--)
        {
            chosen[item] = isTaken[item, capacity];
            capacity -= chosen[item] ? weights[item] : 0;
        }

        return chosen;
    }
}
