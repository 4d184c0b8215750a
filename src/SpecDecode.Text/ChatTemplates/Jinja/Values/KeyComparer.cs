using System.Numerics;
using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Keys of dictionaries and members of sets: 1, 1.0 and True are the same, lists are refused.</summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    private static readonly object None = new();

    public static KeyComparer Instance { get; } = new();

    /// <summary>A key as it is stored: None has to be something, and what has no hash is refused.</summary>
    /// <param name="meter">Counts what has to be hashed.</param>
    /// <param name="key">Any value.</param>
    public static object Wrap(Meter meter, object? key)
    {
        if (Unhashable(meter, key, 0) is { } unhashable)
        {
            throw TemplateError.Type($"unhashable type: '{TypeName.Of(unhashable)}'");
        }

        return Stored(key);
    }

    private static object Stored(object? key) => key switch
    {
        null => None,
        MarkupValue markup => markup.Content,
        _ => key,
    };

    public static object? Unwrap(object key) => key == None ? null : key;

    public new bool Equals(object? left, object? right) => left == right || Comparison.AreEqual(meter: null, left, right);

    // Seeded, so that keys cannot be made to collide.
    public int GetHashCode(object key) => key switch
    {
        string text => text.GetHashCode(StringComparison.Ordinal),
        bool truth => HashCode.Combine(truth ? 1L : 0L),
        long number => HashCode.Combine(number),
        BigInteger number => HashCode.Combine(number),
        double number => double.IsInteger(number) && Math.Abs(number) < 9223372036854775808.0 ? HashCode.Combine((long)number)
            : double.IsInteger(number) ? HashCode.Combine(new BigInteger(number))

            // What is no number equals nothing but itself; all of one hash would take long to tell apart.
            : double.IsNaN(number) ? RuntimeHelpers.GetHashCode(key)
            : HashCode.Combine(number),
        TupleValue tuple => OfItems(tuple),
        Undefined => 1,
        RangeValue range => HashCode.Combine(range.Count, range.Count > 0 ? range.Start : 0, range.Count > 1 ? range.Step : 0),
        _ => key.GetHashCode(),
    };

    private static int OfItems(TupleValue tuple)
    {
        HashCode hash = default;
        foreach (object? item in tuple.Items)
        {
            hash.Add(Instance.GetHashCode(Stored(item)));
        }

        return hash.ToHashCode();
    }

    public static bool IsHashable(Meter meter, object? key) => Unhashable(meter, key, 0) is null;

    private static object? Unhashable(Meter meter, object? key, int depth)
    {
        Meter.EnsureDepth(depth);
        meter.Scan(Text.TryGet(key, out string text) ? text.Length : 0);
        return key switch
        {
            ListValue or DictValue or ViewValue { IsValues: false } => key,
            TupleValue tuple => tuple.Items.Select(item => Unhashable(meter, item, depth + 1)).FirstOrDefault(found => found is not null),
            _ => null,
        };
    }
}
