namespace SpecDecode.Calibration;

/// <summary>Which plans are worth a look: none other agrees at least as much for less, or more for no more.</summary>
internal static class ParetoFront
{
    /// <summary>For each point whether it is on the front; of equal points the first is.</summary>
    /// <param name="points">Cost and agreement.</param>
    public static bool[] Find(IReadOnlyList<(double Cost, double Agreement)> points)
    {
        bool[] isOnFront = new bool[points.Count];
        double best = double.NegativeInfinity;
        foreach (int i in Enumerable.Range(0, points.Count).OrderBy(i => points[i].Cost).ThenByDescending(i => points[i].Agreement).ThenBy(i => i))
        {
            if (points[i].Agreement > best)
            {
                isOnFront[i] = true;
                best = points[i].Agreement;
            }
        }

        return isOnFront;
    }
}
