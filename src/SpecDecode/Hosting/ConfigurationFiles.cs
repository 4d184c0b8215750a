using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace SpecDecode.Hosting;

/// <summary>
/// The files of a configuration: which there are, and which of them could not be read when they were changed. Such a file counts as
/// empty for the configuration until it can be read again, and nobody is told: .NET drops the error.
/// </summary>
/// <param name="configuration">The host's configuration; null or without files where there are none.</param>
internal sealed class ConfigurationFiles(IConfiguration? configuration)
{
    private readonly ConcurrentDictionary<FileConfigurationProvider, (IChangeToken Read, string Problem)> _unreadable = [];
    private FileConfigurationSource[] _watched = [];
    private Action? _onFailure;

    /// <summary>Why a file cannot be read, a sentence; null while all can.</summary>
    public string? Problem => _unreadable.Values.FirstOrDefault(failure => !failure.Read.HasChanged).Problem;

    private IEnumerable<FileConfigurationProvider> Providers => (configuration as IConfigurationRoot)?.Providers.OfType<FileConfigurationProvider>() ?? [];

    /// <summary>The files' names, with those that are not there marked.</summary>
    public string InWords()
    {
        string[] names = [.. Providers.Select(provider => provider.Source).Select(source =>
            source.FileProvider?.GetFileInfo(source.Path ?? "") is { Exists: true } ? source.Path ?? "" : $"{source.Path} (not there)").Distinct()];
        return names.Length == 0 ? "there are none" : string.Join(", ", names);
    }

    /// <summary>Begins to note failures.</summary>
    /// <param name="onFailure">Told of each when it is noted; it must not throw.</param>
    public void Start(Action onFailure)
    {
        _onFailure = onFailure;
        _watched = [.. Providers.Select(provider => provider.Source).Distinct()];
        foreach (FileConfigurationSource source in _watched)
        {
            source.OnLoadException += Note;
        }
    }

    /// <summary>Ends it.</summary>
    public void Stop()
    {
        foreach (FileConfigurationSource source in _watched)
        {
            source.OnLoadException -= Note;
        }
    }

    private void Note(FileLoadExceptionContext failure)
    {
        Exception cause = failure.Exception.GetBaseException();
        string problem = cause == failure.Exception ? cause.Message : $"{failure.Exception.Message} {cause.Message}";
        _unreadable[failure.Provider] = (failure.Provider.GetReloadToken(), problem);
        _onFailure?.Invoke();
    }
}
