using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace SpecDecode.Hosting;

/// <summary>
/// Tells when the configuration of a model has changed. It reads the options itself, so that a change that makes them wrong is
/// told too, and neither lost nor thrown at whoever changed the configuration.
/// </summary>
/// <param name="section">The section that the options are bound to.</param>
/// <param name="read">Reads the options, and checks them.</param>
/// <param name="files">The files that the section may come from; null for none.</param>
internal sealed class ConfigurationWatch(IConfiguration section, Func<SpecDecodeOptions> read, ConfigurationFiles? files = null)
{
    private readonly Lock _gate = new();
    private IDisposable? _registration;
    private bool _isStopped;
    private Dictionary<string, string> _loaded = [];
    private Dictionary<string, string?> _told = [];

    /// <summary>Notes what the sections say that are read at the start alone. Called before the start reads them.</summary>
    public void Note()
    {
        lock (_gate)
        {
            _loaded = FixedPart();
        }
    }

    /// <summary>Begins to watch, unless it has been stopped, and tells at once, since something may have changed since <see cref="Note"/>.</summary>
    /// <param name="onChange">
    /// Told how to read the options, which throws where they are wrong, and the keys that are read at the start alone and say something
    /// else now than then; none where that has been told. One call at a time; it must not throw.
    /// </param>
    public void Start(Action<Func<SpecDecodeOptions>, IReadOnlyList<string>> onChange)
    {
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            _registration = ChangeToken.OnChange(section.GetReloadToken, () => Notice(onChange));
            files?.Start(() => Notice(onChange));
        }

        Notice(onChange);
    }

    /// <summary>Ends watching for good.</summary>
    public void Stop()
    {
        IDisposable? registration;
        lock (_gate)
        {
            _isStopped = true;
            registration = _registration;
            _registration = null;
        }

        // Outside the lock: this waits for a change that is being told, which waits for the lock.
        registration?.Dispose();
        files?.Stop();
    }

    private void Notice(Action<Func<SpecDecodeOptions>, IReadOnlyList<string>> onChange)
    {
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            if (files?.Problem is { } problem)
            {
                // What the file says is not in the configuration, so that the rest of it means nothing.
                onChange(() => throw new SpecDecodeException(problem), []);
                return;
            }

            Dictionary<string, string?> differences = Differences(_loaded, FixedPart());
            bool isTold = differences.Count == _told.Count && differences.All(now => _told.TryGetValue(now.Key, out string? before) && before == now.Value);
            _told = differences;
            onChange(read, isTold ? [] : [.. differences.Keys.Order(StringComparer.OrdinalIgnoreCase)]);
        }
    }

    // What is empty is not set.
    private Dictionary<string, string> FixedPart() => new[] { nameof(SpecDecodeOptions.Model), nameof(SpecDecodeOptions.Runtime), nameof(SpecDecodeOptions.Telemetry) }
        .SelectMany(part => section.GetSection(part).AsEnumerable())
        .Where(pair => !string.IsNullOrEmpty(pair.Value))
        .ToDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.OrdinalIgnoreCase);

    // By key, what it is now.
    private static Dictionary<string, string?> Differences(Dictionary<string, string> before, Dictionary<string, string> now) =>
        before.Keys.Union(now.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(key => before.GetValueOrDefault(key) != now.GetValueOrDefault(key))
            .ToDictionary(key => key, now.GetValueOrDefault, StringComparer.OrdinalIgnoreCase);
}
