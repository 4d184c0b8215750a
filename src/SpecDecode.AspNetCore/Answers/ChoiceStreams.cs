using SpecDecode.AspNetCore.Wire;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>
/// The texts of a request while they are written, token by token as they come. Leaving ends all of them: whoever was disconnected, or had an error in
/// one, waits for none.
/// </summary>
internal sealed class ChoiceStreams : IAsyncDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly IAsyncEnumerator<GenerationUpdate>?[] _updates;
    private readonly Task<bool>?[] _next;
    private readonly int _choices;
    private int _last;

    private ChoiceStreams(int count, int choices, CancellationToken aborted)
    {
        _choices = choices;
        _end = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        _updates = new IAsyncEnumerator<GenerationUpdate>[count];
        _next = new Task<bool>[count];
    }

    /// <summary>Hands requests over, all of which ask for as many texts, and waits for the first token of any: until then a refusal can still be told by a status.</summary>
    /// <exception cref="ApiException">The model cannot serve one of them.</exception>
    /// <exception cref="QueueFullException">One of them finds no place any more; none is answered then.</exception>
    public static async Task<ChoiceStreams> StartAsync(ITextGenerator generator, IEnumerable<GenerationRequest> requests, CancellationToken aborted)
    {
        GenerationRequest[] all = [.. requests];
        ChoiceStreams streams = new(all.Length, all.Length == 0 ? 1 : all[0].Choices, aborted);
        try
        {
            for (int i = 0; i < all.Length; i++)
            {
                IAsyncEnumerator<GenerationUpdate> updates = Call(all[i], one => generator.GenerateAsync(one, streams._end.Token)).GetAsyncEnumerator(streams._end.Token);
                streams._updates[i] = updates;
                streams._next[i] = updates.MoveNextAsync().AsTask();
                if (streams._next[i]!.IsFaulted)
                {
                    await streams._next[i]!.ConfigureAwait(false);
                }
            }

            await (await Task.WhenAny(streams._next!).ConfigureAwait(false)).ConfigureAwait(false);
            return streams;
        }
        catch
        {
            await streams.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The next update of any text, with the text's index: that of its request times its texts, and its own among them; null when all have ended.</summary>
    public async ValueTask<(int Choice, GenerationUpdate Update)?> ReadAsync()
    {
        while (true)
        {
            int request = FindReady();
            if (request < 0)
            {
                Task<bool>[] waiting = [.. _next.OfType<Task<bool>>()];
                if (waiting.Length == 0)
                {
                    return null;
                }

                // Without its outcome, which is looked at below.
                await Task.WhenAny(waiting).ConfigureAwait(false);
                continue;
            }

            if (!await _next[request]!.ConfigureAwait(false))
            {
                _next[request] = null;
                continue;
            }

            GenerationUpdate update = _updates[request]!.Current;
            _next[request] = _updates[request]!.MoveNextAsync().AsTask();
            return ((request * _choices) + update.Choice, update);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        for (int i = 0; i < _updates.Length; i++)
        {
            try
            {
                // An enumerator must not be left while it moves.
                if (_next[i] is { } moving)
                {
                    await moving.ConfigureAwait(false);
                }
            }
            catch (Exception)
            {
                // Cancelled, or what was told already: nobody waits for this text any more.
            }

            if (_updates[i] is { } updates)
            {
                await updates.DisposeAsync().ConfigureAwait(false);
            }
        }

        _end.Dispose();
    }

    // In turn, so that none waits for the others.
    private int FindReady()
    {
        for (int i = 0; i < _next.Length; i++)
        {
            int choice = (_last + 1 + i) % _next.Length;
            if (_next[choice] is { IsCompleted: true })
            {
                return _last = choice;
            }
        }

        return -1;
    }

    /// <summary>Hands a request over: what is wrong with it is thrown at the call, what goes wrong with its text later.</summary>
    /// <exception cref="ApiException">The model cannot serve it.</exception>
    public static T Call<T>(GenerationRequest request, Func<GenerationRequest, T> call)
    {
        try
        {
            return call(request);
        }
        catch (ChatTemplateException refusal)
        {
            throw ApiException.Invalid("messages", $"The model's chat template refuses the messages: {refusal.Reason}", inner: refusal);
        }
        catch (Exception error) when (error is ArgumentException or SpecDecodeException and not (ModelNotReadyException or QueueFullException or ShuttingDownException))
        {
            throw ApiException.Invalid(null, error.Message.Split(" (Parameter '")[0], inner: error);
        }
    }
}
