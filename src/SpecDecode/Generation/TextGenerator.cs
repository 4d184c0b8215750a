using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates;
using SpecDecode.Diagnostics;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>The façade over a loop: checks requests, hands them over, and turns tokens into text on the readers' side.</summary>
internal sealed class TextGenerator(
    ModelInfo model, TextTokenizer? tokenizer, RequestIntake intake, EngineLoop loop, GenerationDefaults defaults, ChatTokenizer? chatTokenizer = null)
    : ITextGenerator
{
    private volatile GenerationDefaults _defaults = defaults.Copy();

    /// <inheritdoc/>
    public ModelInfo Model => model;

    /// <inheritdoc/>
    public TextTokenizer? Tokenizer => tokenizer;

    /// <inheritdoc/>
    public ChatTokenizer? ChatTokenizer => chatTokenizer;

    /// <inheritdoc/>
    public GenerationDefaults Defaults
    {
        // Copies, since the options in them can be changed by whoever has them.
        get => _defaults.Copy();
        set => _defaults = value.Copy();
    }

    /// <summary>What spans tell besides what they always do.</summary>
    public RequestTracing Tracing { get; init; }

    /// <summary>The thread that answers.</summary>
    public EngineLoop Loop => loop;

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        // Made now, so that a mistake is thrown at the call; an enumeration that is begun again makes another.
        AcceptedRequest accepted = Accept(request, cancellationToken);
        if (accepted.IsBestOf)
        {
            throw new ArgumentException("The best of several texts is known when all have ended: ask for them without streaming, or leave BestOf out.", nameof(request));
        }

        int uses = 0;
        return Stream(
            request, () => Interlocked.Exchange(ref uses, 1) == 0 ? accepted : Accept(request, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        return CompleteAsync(request, Accept(request, cancellationToken), cancellationToken);
    }

    // A request that could never be taken is a mistake of the request's, not a queue that is full: whoever sends it again later is refused again.
    private AcceptedRequest Accept(GenerationRequest request, CancellationToken cancellationToken)
    {
        AcceptedRequest accepted = intake.Accept(request, _defaults, cancellationToken);
        return accepted.Sequences.Length <= loop.MaxInFlight ? accepted : throw new SpecDecodeException(
            $"The request asks for {accepted.Sequences.Length} texts, but MaxSequences and MaxQueue allow {loop.MaxInFlight} together: ask for fewer, or raise MaxQueue.");
    }

    private async Task<GenerationResult> CompleteAsync(GenerationRequest request, AcceptedRequest accepted, CancellationToken cancellationToken)
    {
        await using RequestReading reading = new(this, request, accepted, cancellationToken);
        while (!Array.TrueForAll(reading.Feeds, static feed => feed.State.HasEnded))
        {
            await reading.WaitAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }

        foreach (TokenFeed feed in reading.Feeds)
        {
            reading.ThrowUnlessWhole(feed.Sequence);
        }

        return accepted.Result(tokenizer);
    }

    private async IAsyncEnumerable<GenerationUpdate> Stream(
        GenerationRequest request, Func<AcceptedRequest> create, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        AcceptedRequest accepted = create();
        await using RequestReading reading = new(this, request, accepted, cancellationToken);
        UpdateReader[] texts = [.. reading.Feeds.Select((feed, choice) => new UpdateReader(feed, choice, accepted, tokenizer))];
        while (true)
        {
            bool isAny = false;
            foreach (UpdateReader text in texts)
            {
                while (text.TryRead(out GenerationUpdate update))
                {
                    if (update.Result is not null)
                    {
                        reading.ThrowUnlessWhole(text.Sequence);
                    }

                    cancellationToken.ThrowIfCancellationRequested();
                    isAny = true;
                    yield return update;
                }
            }

            if (Array.TrueForAll(texts, static text => text.HasEnded))
            {
                yield break;
            }

            cancellationToken.ThrowIfCancellationRequested();

            // What was read may have taken its time: there may be more already.
            if (!isAny)
            {
                await reading.WaitAsync().ConfigureAwait(false);
            }
        }
    }
}
