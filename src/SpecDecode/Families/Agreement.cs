using SpecDecode.Checkpoints;

namespace SpecDecode.Families;

/// <summary>
/// Keys that say the same thing in several places. Readers differ in which of them they take, so a checkpoint whose places
/// differ is refused by both keys.
/// </summary>
internal static class Agreement
{
    /// <summary>The number that all places that have it agree in.</summary>
    /// <param name="places">Where it may stand; a document of null has nothing.</param>
    /// <returns>The number; null where no place has it.</returns>
    /// <exception cref="CheckpointException">Two places differ, or one has anything else than a number above 0.</exception>
    public static double? Number(params ReadOnlySpan<(ConfigDocument? Document, string Key)> places)
    {
        (ConfigDocument Document, string Key, double Value)? first = null;
        foreach ((ConfigDocument? document, string key) in places)
        {
            if (document?.Has(key) != true)
            {
                continue;
            }

            double value = document.PositiveNumber(key);
            first ??= (document, key, value);
            if (value != first.Value.Value)
            {
                throw document.Error(
                    key, FormattableString.Invariant($"is {value}, but {first.Value.Document.NameOf(first.Value.Key)} is {first.Value.Value}: {Mend}"));
            }
        }

        return first?.Value;
    }

    /// <summary>Refuses a key that this family does not read and that says something else than the one that it reads.</summary>
    /// <param name="config">The object of both keys.</param>
    /// <param name="unread">The key that is not read.</param>
    /// <param name="agrees">Whether it says the same; asked only where it is there.</param>
    /// <param name="read">The key that is read.</param>
    /// <param name="value">What was read or is the default.</param>
    public static void Confirm(ConfigDocument config, string unread, Func<bool> agrees, string read, object value)
    {
        if (config.Has(unread) && !agrees())
        {
            string state = config.Has(read) ? "is" : "is absent, and so";
            throw config.Error(unread, FormattableString.Invariant(
                $"says something else than {config.NameOf(read)}, which is what this family reads and {state} {value}: {Mend}"));
        }
    }

    /// <summary>What to do where keys contradict each other.</summary>
    public const string Mend = "remove the one that does not belong to these weights, or restore the published config.json";
}
