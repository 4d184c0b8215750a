using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace SpecDecode.Hosting;

/// <summary>
/// Tells when the configuration of a model has changed. It reads the options itself, so that a change that makes them wrong is
/// told too, and not lost.
/// </summary>
/// <param name="name">The model's name among the options.</param>
/// <param name="section">The section that the options are bound to.</param>
/// <param name="factory">Makes options from it, and checks them.</param>
internal sealed class ConfigurationWatch(string name, IConfiguration section, IOptionsFactory<SpecDecodeOptions> factory)
{
    private readonly Lock _gate = new();
    private IDisposable? _registration;
    private string _fixedPart = "";

    /// <summary>Begins to watch.</summary>
    /// <param name="onChange">
    /// Told how to read the options, which throws where they are wrong, and whether sections have changed that are read at the start
    /// alone.
    /// </param>
    public void Start(Action<Func<SpecDecodeOptions>, bool> onChange)
    {
        lock (_gate)
        {
            _fixedPart = FixedPart();
            _registration = ChangeToken.OnChange(section.GetReloadToken, () => Notice(onChange));
        }
    }

    /// <summary>Ends watching.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _registration?.Dispose();
            _registration = null;
        }
    }

    private void Notice(Action<Func<SpecDecodeOptions>, bool> onChange)
    {
        lock (_gate)
        {
            if (_registration is not null)
            {
                string fixedPart = FixedPart();
                bool changed = fixedPart != _fixedPart;
                _fixedPart = fixedPart;
                onChange(() => factory.Create(name), changed);
            }
        }
    }

    private string FixedPart() => string.Join('\n', new[] { nameof(SpecDecodeOptions.Model), nameof(SpecDecodeOptions.Runtime) }
        .SelectMany(part => section.GetSection(part).AsEnumerable().Order(Comparer<KeyValuePair<string, string?>>.Create((a, b) => string.CompareOrdinal(a.Key, b.Key))))
        .Select(pair => $"{pair.Key}={pair.Value}"));
}
