using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>Python's stable sort, which needs nothing of values but "less than".</summary>
internal static class Sorting
{
    /// <param name="meter">Counts the comparisons.</param>
    /// <param name="items">What is sorted; they stay as they are.</param>
    /// <param name="key">By what.</param>
    /// <param name="reverse">The greatest first; equal ones keep their order all the same.</param>
    /// <exception cref="TemplateError">Two keys have no order.</exception>
    public static IReadOnlyList<T> Sort<T>(Meter meter, IReadOnlyList<T> items, Func<T, object?> key, bool reverse)
    {
        meter.AllocateItems(items.Count * 2L);
        (object? Key, T Item)[] sorted = [.. items.Select(item => (key(item), item))];
        (object? Key, T Item)[] merged = new (object? Key, T Item)[sorted.Length];
        for (int width = 1; width < sorted.Length; width *= 2)
        {
            for (int start = 0; start < sorted.Length; start += 2 * width)
            {
                int middle = Math.Min(start + width, sorted.Length);
                int end = Math.Min(start + (2 * width), sorted.Length);
                for (int at = start, left = start, right = middle; at < end; at++)
                {
                    bool takeRight = left == middle || (right < end && Precedes(sorted[right].Key, sorted[left].Key));
                    merged[at] = takeRight ? sorted[right++] : sorted[left++];
                }
            }

            (sorted, merged) = (merged, sorted);
        }

        return [.. sorted.Select(entry => entry.Item)];

        bool Precedes(object? later, object? earlier) => reverse
            ? Comparison.Ordered(meter, ComparisonOperator.Less, earlier, later)
            : Comparison.Ordered(meter, ComparisonOperator.Less, later, earlier);
    }
}
