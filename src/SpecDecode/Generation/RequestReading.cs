using System.Diagnostics;
using SpecDecode.Diagnostics;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>A request from its hand-over until its reader leaves, which ends its texts that have not ended.</summary>
internal sealed class RequestReading : IAsyncDisposable
{
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenRegistration _registration;
    private readonly Activity?[] _activities;
    private readonly AsyncSignal _signal = new();

    /// <summary>Hands a request over.</summary>
    /// <param name="generator">Whose loop answers.</param>
    /// <param name="accepted">The request.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public RequestReading(TextGenerator generator, AcceptedRequest accepted, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _cancellation = cancellationToken;
        _activities = Array.ConvertAll(
            accepted.Sequences, sequence => RequestActivity.Start(generator.Model.Name, generator.Model.Precision, generator.Model.DraftPrecision, sequence));
        try
        {
            Feeds = generator.Loop.Submit(accepted.Sequences, _signal);
        }
        catch (Exception error)
        {
            Array.ForEach(_activities, activity => RequestActivity.Refuse(activity, error));
            throw;
        }

        _registration = cancellationToken.UnsafeRegister(static feeds => Array.ForEach((TokenFeed[])feeds!, static feed => feed.Cancel()), Feeds);
    }

    /// <summary>The tokens of each of its texts.</summary>
    public TokenFeed[] Feeds { get; }

    /// <summary>Waits until there may be more of any of them. One reader.</summary>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    /// <summary>Throws what ended a text that has no result.</summary>
    /// <exception cref="SpecDecodeException">It has failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void ThrowUnlessWhole(Sequence ended)
    {
        if (ended.FinishReason == FinishReason.Cancelled)
        {
            _cancellation.ThrowIfCancellationRequested();
        }

        switch (ended.Error)
        {
            case null:
                return;
            case SpecDecodeException error:
                throw error;
            case { } error:
                throw new SpecDecodeException($"The model failed after {ended.NewTokens.Length} new tokens: {error.Message.Trim()}", error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync().ConfigureAwait(false);
        for (int i = 0; i < Feeds.Length; i++)
        {
            Feeds[i].Cancel();
            (int count, bool hasEnded) = Feeds[i].State;
            if (_activities[i] is not null && hasEnded)
            {
                RequestActivity.Stop(_activities[i]!, Feeds[i].Sequence);
            }
            else
            {
                RequestActivity.Leave(_activities[i], count);
            }
        }
    }
}
