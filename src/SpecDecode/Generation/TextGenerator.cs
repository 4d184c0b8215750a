using System.Diagnostics;
using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
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
        AcceptedRequest accepted = intake.Accept(request, _defaults, cancellationToken);
        int uses = 0;
        return Stream(
            request, () => Interlocked.Exchange(ref uses, 1) == 0 ? accepted : intake.Accept(request, _defaults, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        AcceptedRequest accepted = intake.Accept(request, _defaults, cancellationToken);
        return CompleteAsync(request, accepted, cancellationToken);
    }

    private async Task<GenerationResult> CompleteAsync(GenerationRequest request, AcceptedRequest accepted, CancellationToken cancellationToken)
    {
        await using Reading reading = new(this, request, accepted, cancellationToken);
        while (!reading.Feed.State.HasEnded)
        {
            await reading.Feed.WaitAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return reading.End();
    }

    private async IAsyncEnumerable<GenerationUpdate> Stream(
        GenerationRequest request, Func<AcceptedRequest> create, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await using Reading reading = new(this, request, create(), cancellationToken);
        TokenFeed feed = reading.Feed;
        TokenTextStream? text = tokenizer?.CreateStream(feed.Sequence.Prompt);
        int read = 0;
        while (true)
        {
            (int count, bool hasEnded) = feed.State;

            // The last token comes together with the result, if there is one and no error.
            int alone = hasEnded && feed.Sequence.Error is null ? count - 1 : count;
            for (; read < alone; read++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                (int token, TokenSource source) = feed[read];
                yield return new GenerationUpdate { Token = token, Source = source, Text = text?.Append(token) ?? "" };
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (hasEnded)
            {
                yield return Last(reading.End(), read, count, text, feed);
                yield break;
            }

            await feed.WaitAsync().ConfigureAwait(false);
        }
    }

    // The last token, where it has not been read, together with the result.
    private static GenerationUpdate Last(GenerationResult result, int read, int count, TokenTextStream? text, TokenFeed feed)
    {
        (int token, TokenSource source) = read < count ? feed[read] : default;
        string piece = read < count && result.FinishReason != FinishReason.Stop ? text?.Append(token) ?? "" : "";
        return new GenerationUpdate
        {
            Token = read < count ? token : null, Source = source, Text = piece + text?.Flush(), Result = result,
        };
    }

    /// <summary>A request from its hand-over until its reader leaves, which ends it if it has not ended.</summary>
    private sealed class Reading : IAsyncDisposable
    {
        private readonly TextGenerator _generator;
        private readonly GenerationRequest _request;
        private readonly AcceptedRequest _accepted;
        private readonly CancellationToken _cancellation;
        private readonly CancellationTokenRegistration _registration;
        private readonly Activity? _activity;

        public Reading(TextGenerator generator, GenerationRequest request, AcceptedRequest accepted, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _generator = generator;
            _request = request;
            _accepted = accepted;
            _cancellation = cancellationToken;
            _activity = RequestActivity.Start(generator.Model.Name, generator.Model.Precision, generator.Model.DraftPrecision, accepted.Sequence);
            try
            {
                Feed = generator.Loop.Submit(accepted.Sequence);
            }
            catch (Exception error)
            {
                RequestActivity.Refuse(_activity, error);
                throw;
            }

            _registration = cancellationToken.UnsafeRegister(static feed => ((TokenFeed)feed!).Cancel(), Feed);
        }

        public TokenFeed Feed { get; }

        /// <summary>The result of the sequence, which has ended.</summary>
        public GenerationResult End()
        {
            GenerationResult result = _accepted.Result(_generator.Tokenizer);
            if (result.FinishReason == FinishReason.Cancelled)
            {
                _cancellation.ThrowIfCancellationRequested();
            }

            return result.Error switch
            {
                null => result,
                SpecDecodeException error => throw error,
                { } error => throw new SpecDecodeException($"The model failed after {result.Tokens.Count} new tokens: {error.Message.Trim()}", error),
            };
        }

        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync().ConfigureAwait(false);
            Feed.Cancel();
            (int count, bool hasEnded) = Feed.State;
            if (_activity is not null && _generator.Tracing.MessageContent)
            {
                AddContent(hasEnded);
            }

            if (_activity is not null && hasEnded)
            {
                RequestActivity.Stop(_activity, Feed.Sequence);
            }
            else
            {
                RequestActivity.Leave(_activity, count);
            }
        }

        private void AddContent(bool hasEnded)
        {
            TextTokenizer? tokenizer = _generator.Tokenizer;
            GenerationResult? result = hasEnded ? _accepted.Result(tokenizer) : null;
            string? prompt = _request.Messages is not null ? null : _request.Prompt ?? tokenizer?.Decode(Feed.Sequence.Prompt);
            RequestActivity.AddContent(_activity, prompt, _request.Messages, result?.Text, result?.FinishReason);
        }
    }
}
