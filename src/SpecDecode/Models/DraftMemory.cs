using System.Text;
using SpecDecode.Checkpoints;
using SpecDecode.Drafting;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>
/// The file in the cache folder that keeps, across restarts, what drafting has learnt about a model as it is set up on this machine. What
/// cannot be read is nothing remembered, and where it cannot be written things are learnt anew; neither is an error.
/// </summary>
/// <remarks>
/// Its name is a hash of all that the learnt depends on, and so models, precisions, kernels and numbers of threads have files of their own. Processes that
/// share one each write it whole, and the last one's stays.
/// </remarks>
internal sealed class DraftMemory
{
    private const string Extension = ".learnt";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly ContentHash _identity;
    private readonly string? _path;
    private Task _writing = Task.CompletedTask;
    private string? _failure;
    private Action<string>? _failed;

    private DraftMemory(string? path, ContentHash identity)
    {
        _path = path;
        _identity = identity;
    }

    /// <summary>What an earlier process, or an earlier load, has learnt; null where that is nothing.</summary>
    public PolicyState? Learnt { get; private init; }

    /// <summary>Finds what was learnt.</summary>
    /// <param name="folder">The cache folder; null takes the default.</param>
    /// <param name="setup">Everything that the learnt depends on: weights, kernels, threads.</param>
    /// <param name="warn">Told of a file that is not used, in a sentence.</param>
    public static DraftMemory Open(string? folder, IEnumerable<string> setup, Action<string> warn)
    {
        ContentHash identity = ContentHash.Of(Encoding.UTF8.GetBytes(string.Join('\n', setup)));
        if (CacheFolder.TryFind(folder) is not { } found)
        {
            return new DraftMemory(null, identity);
        }

        string path = Path.Combine(found, $"drafting-{identity}{Extension}");
        PolicyState? learnt = null;
        if (OwnFile.TryRead(path, DraftMemoryFormat.MostBytes, out string? doubt) is { } bytes)
        {
            learnt = DraftMemoryFormat.Read(bytes, identity, out doubt);
        }

        if (doubt is not null)
        {
            warn($"{path}: what drafting had learnt is not used, since {doubt}; it is learnt anew.");
        }

        return new DraftMemory(path, identity) { Learnt = learnt };
    }

    /// <summary>Names who is told why it could not be written, once; at once where that has happened.</summary>
    /// <param name="failed">Called by any thread.</param>
    public void OnFailed(Action<string> failed)
    {
        string? failure;
        lock (_gate)
        {
            _failed = failed;
            failure = _failure;
        }

        if (failure is not null)
        {
            failed(failure);
        }
    }

    /// <summary>Writes what was learnt, on another thread and behind what is being written, in place of what was there.</summary>
    /// <param name="state">A snapshot.</param>
    public void Keep(PolicyState state)
    {
        lock (_gate)
        {
            _writing = _writing.ContinueWith(_ => Write(state), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Waits until everything is written, or for two seconds: a disk that hangs keeps nothing from its end.</summary>
    public void Flush()
    {
        Task writing;
        lock (_gate)
        {
            writing = _writing;
        }

        writing.Wait(Patience);
    }

    private void Write(PolicyState state)
    {
        try
        {
            OwnFile.Write(
                _path ?? throw new IOException("there is no folder that only this user may write"), DraftMemoryFormat.Write(_identity, state));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Action<string>? failed;
            lock (_gate)
            {
                if (_failure is not null)
                {
                    return;
                }

                _failure = error.Message.TrimEnd('.');
                failed = _failed;
            }

            failed?.Invoke(_failure);
        }
    }
}
