using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace SpecDecode.Hosting;

/// <summary>
/// Tells when the configuration of a model has changed. It reads the options itself, so that a change that makes them wrong is
/// told too, and neither lost nor thrown at whoever changed the configuration.
/// </summary>
/// <param name="section">The section that the options are bound to.</param>
/// <param name="read">Reads the options, and checks them.</param>
internal sealed class ConfigurationWatch(IConfiguration section, Func<SpecDecodeOptions> read)
{
    private readonly Lock _gate = new();
    private IDisposable? _registration;
    private bool _isStopped;
    private string _fixedPart = "";

    /// <summary>Notes what the sections say that are read at the start alone. Called before the start reads them.</summary>
    public void Note()
    {
        lock (_gate)
        {
            _fixedPart = FixedPart();
        }
    }

    /// <summary>Begins to watch, unless it has been stopped, and tells at once, since something may have changed since <see cref="Note"/>.</summary>
    /// <param name="onChange">
    /// Told how to read the options, which throws where they are wrong, and whether sections have changed that are read at the start
    /// alone. One call at a time; it must not throw.
    /// </param>
    public void Start(Action<Func<SpecDecodeOptions>, bool> onChange)
    {
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            _registration = ChangeToken.OnChange(section.GetReloadToken, () => Notice(onChange));
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
    }

    private void Notice(Action<Func<SpecDecodeOptions>, bool> onChange)
    {
        lock (_gate)
        {
            if (!_isStopped)
            {
                string fixedPart = FixedPart();
                bool changed = fixedPart != _fixedPart;
                _fixedPart = fixedPart;
                onChange(read, changed);
            }
        }
    }

    private string FixedPart() => string.Join('\n', new[] { nameof(SpecDecodeOptions.Model), nameof(SpecDecodeOptions.Runtime) }
        .SelectMany(part => section.GetSection(part).AsEnumerable().OrderBy(pair => pair.Key, StringComparer.Ordinal))
        .Select(pair => $"{pair.Key}={pair.Value}"));
}
