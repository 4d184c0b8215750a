using System.Numerics;

namespace SpecDecode.Drafting;

/// <summary>How many sequences a step has, roughly: what a pass takes by its rows is measured for each of these apart.</summary>
internal static class BatchSize
{
    /// <summary>Number of classes: 1, 2, 3–4, 5–8, 9–16, 17–32 and more.</summary>
    public const int Classes = 7;

    /// <summary>The class of a number of sequences.</summary>
    public static int Of(int sequences) => sequences <= 1 ? 0 : Math.Min(Classes - 1, BitOperations.Log2((uint)(sequences - 1)) + 1);

    /// <summary>The class nearest to one, of those with samples; -1 where there is none.</summary>
    public static int Nearest(CostCurve?[] curves, int size)
    {
        for (int distance = 0; distance < Classes; distance++)
        {
            if (size - distance >= 0 && curves[size - distance] is { IsEmpty: false })
            {
                return size - distance;
            }

            if (size + distance < Classes && curves[size + distance] is { IsEmpty: false })
            {
                return size + distance;
            }
        }

        return -1;
    }
}
