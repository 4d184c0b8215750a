namespace SpecDecode.Hosting;

/// <summary>What telemetry calls the models of a host: no name belongs to two keys, or their series would be one.</summary>
internal sealed class ModelNames
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Key, int Count)> _owners = new(StringComparer.Ordinal);

    /// <summary>Names that cannot be, and models that would be called the same, a sentence for each.</summary>
    /// <param name="models">Their keys, places and options.</param>
    public static IEnumerable<string> FindErrors(IEnumerable<(string Key, string Place, SpecDecodeOptions Options)> models) => models
        .Where(model => NameInTelemetryAttribute.Problem(model.Key) is null)
        .GroupBy(model => ModelLoad.NameOf(model.Key, model.Options), StringComparer.Ordinal)
        .SelectMany(same => same.Skip(1).Select(model => Sentence(model.Place, same.Key)))
        .Concat(models.Where(model => NameInTelemetryAttribute.Problem(model.Key) is not null).Select(model => KeySentence(model.Key)));

    /// <summary>Keys that have a model which is loaded or being loaded.</summary>
    public int KeyCount
    {
        get
        {
            lock (_gate)
            {
                return _owners.Values.Select(owner => owner.Key).Distinct(StringComparer.OrdinalIgnoreCase).Count();
            }
        }
    }

    /// <summary>Takes a name for a key, once more if it has it.</summary>
    /// <exception cref="SpecDecodeException">Another key has it.</exception>
    public void Claim(string name, string key, string place)
    {
        if (NameInTelemetryAttribute.Problem(key) is not null)
        {
            throw new SpecDecodeException(KeySentence(key));
        }

        lock (_gate)
        {
            int count = 0;
            if (_owners.TryGetValue(name, out (string Key, int Count) owner))
            {
                if (!string.Equals(owner.Key, key, StringComparison.OrdinalIgnoreCase))
                {
                    throw new SpecDecodeException(Sentence(place, name));
                }

                count = owner.Count;
            }

            _owners[name] = (key, count + 1);
        }
    }

    /// <summary>Gives it back.</summary>
    public void Release(string name)
    {
        lock (_gate)
        {
            (string key, int count) = _owners[name];
            if (count == 1)
            {
                _owners.Remove(name);
            }
            else
            {
                _owners[name] = (key, count - 1);
            }
        }
    }

    private static string KeySentence(string key) => $"The key of a model {NameInTelemetryAttribute.Problem(key)}";

    private static string Sentence(string place, string name) =>
        $"{place}Model:Name: another model of this host is called '{name}' in metrics and logs already: give this one a name of its own.";
}
