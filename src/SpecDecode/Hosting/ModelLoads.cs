using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>All loads of a key that have, or may come to have, something to give back; none is added once it is closed.</summary>
internal sealed class ModelLoads(ModelHostServices services, string key)
{
    private readonly Lock _gate = new();
    private readonly List<ModelLoad> _loads = [];
    private bool _isClosed;

    /// <summary>Whether the calling thread belongs to one of them, and so must not wait for its end.</summary>
    public bool HasCurrentThread
    {
        get
        {
            lock (_gate)
            {
                return _loads.Exists(load => load.IsCurrentThread);
            }
        }
    }

    /// <summary>Makes one, under its name in telemetry.</summary>
    /// <exception cref="ShuttingDownException">They are closed.</exception>
    /// <exception cref="SpecDecodeException">A path is none, or another key has the name.</exception>
    /// <param name="options">Its options.</param>
    /// <param name="inCode">What is set in code on top of its configuration; null for nothing.</param>
    public ModelLoad Add(SpecDecodeOptions options, Action<SpecDecodeOptions>? inCode)
    {
        string place = services.Options.Place(key);
        ModelLoad load = new(services, key, place, options, services.Watch(key, inCode));
        lock (_gate)
        {
            if (_isClosed)
            {
                throw Closed();
            }

            services.Names.Claim(load.Name, key, place);
            _loads.Add(load);
        }

        return load;
    }

    /// <summary>One has given everything back.</summary>
    public void Remove(ModelLoad load)
    {
        lock (_gate)
        {
            if (_loads.Remove(load))
            {
                services.Names.Release(load.Name);
            }
        }
    }

    /// <summary>Adds no more, and gives out those that there are.</summary>
    public IReadOnlyList<ModelLoad> Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            return [.. _loads];
        }
    }

    /// <summary>Why none is added any more.</summary>
    public static ShuttingDownException Closed() => new("The host stops and loads no model any more.");
}
