using System.Text;
using SpecDecode.AspNetCore.Answers;
using SpecDecode.AspNetCore.Requests;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.AspNetCore;

/// <summary>POST /v1/completions.</summary>
internal sealed class CompletionEndpoint(Guard guard, ModelDirectory models, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        SpecDecodeEndpointOptions options = guard.Options;
        CompletionBody body = await BodyReader.ReadAsync(context, options.MaxRequestBodyBytes, ApiJson.Default.CompletionBody).ConfigureAwait(false);
        ServedModelEntry model = models.Require(body.Model);
        CompletionRequest request = CompletionRequest.Of(body, model.Generator, options);
        Completion frame = new() { Id = Finish.NewId("cmpl-"), Created = time.GetUtcNow().ToUnixTimeSeconds(), Model = model.Id, Choices = [] };
        PlainText[] texts =
        [
            .. Enumerable.Range(0, request.Echoes.Count * request.Choices).Select(choice => new PlainText(
                request.Echoes[choice / request.Choices],
                body.Logprobs is null ? null : new LogprobFeed(model.Generator.Tokenizer, request.Echoes[choice / request.Choices].Length),
                () => request.FirstToken(choice, model.Generator.Tokenizer))),
        ];
        GenerationDefaults defaults = model.Generator.Defaults;
        if (request.Requests[0].BestOf is not null)
        {
            await BestAsync(context, model.Generator, request, texts, frame).ConfigureAwait(false);
            return;
        }

        await using ChoiceStreams streams = await ChoiceStreams.StartAsync(model.Generator, request.Requests, context.RequestAborted).ConfigureAwait(false);
        DraftingOptions? measured = ChatEndpoint.Measures(options, body, texts.Length) ? request.Requests[0].Drafting ?? defaults.Drafting : null;
        await (body.Stream == true ? StreamAsync(context, body, streams, texts, frame, new Tally(request.Choices), measured)
            : CompleteAsync(context, body, streams, texts, frame, new Tally(request.Choices), measured)).ConfigureAwait(false);
    }

    private static async Task CompleteAsync(
        HttpContext context, CompletionBody body, ChoiceStreams streams, PlainText[] texts, Completion frame, Tally tally, DraftingOptions? measured)
    {
        CompletionChoice[] choices = new CompletionChoice[texts.Length];
        Metrics? metrics = null;
        while (await streams.ReadAsync().ConfigureAwait(false) is var (choice, update))
        {
            PlainText text = texts[choice];
            text.AddPrompt(update.PromptLogProbabilities);
            text.Add(update);
            if (update.Result is { } result)
            {
                tally.Add(choice, result);
                metrics = measured is null ? null : Measurement.Of(result, measured);
                choices[choice] = new CompletionChoice
                {
                    Index = choice, Text = text.Whole.ToString(), FinishReason = Finish.Word(result), Logprobs = text.TakeLogprobs(),
                    Tokens = body.IncludeTokens == true ? text.Tokens : null,
                };
            }
        }

        await context.Response.WriteAsJsonAsync(
            frame with { Choices = choices, Usage = tally.Usage, Metrics = metrics }, ApiJson.Default.Completion, cancellationToken: context.RequestAborted).ConfigureAwait(false);
    }

    // Which texts are the best is known when all have ended.
    private static async Task BestAsync(HttpContext context, ITextGenerator generator, CompletionRequest request, PlainText[] texts, Completion frame)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Task<GenerationResult>[] answers = [];
        try
        {
            answers = [.. request.Requests.Select(one => ChoiceStreams.Call(one, it => generator.CompleteAsync(it, end.Token)))];
            GenerationResult[] best = await Task.WhenAll(answers).ConfigureAwait(false);
            Tally tally = new(request.Choices);
            List<CompletionChoice> choices = [];
            foreach (GenerationResult result in best.SelectMany(one => one.Choices.Count > 0 ? one.Choices : [one]))
            {
                PlainText text = texts[choices.Count];
                text.Set(result);
                tally.Add(choices.Count, result);
                choices.Add(new CompletionChoice
                {
                    Index = choices.Count, Text = text.Whole.ToString(), FinishReason = Finish.Word(result), Logprobs = text.TakeLogprobs(),
                });
            }

            await context.Response.WriteAsJsonAsync(frame with { Choices = choices, Usage = tally.Usage }, ApiJson.Default.Completion, cancellationToken: context.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            // Where one failed, the others are not waited for.
            await end.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task StreamAsync(
        HttpContext context, CompletionBody body, ChoiceStreams streams, PlainText[] texts, Completion frame, Tally tally, DraftingOptions? measured)
    {
        using EventWriter events = new(context);
        events.Begin();
        try
        {
            for (int i = 0; i < texts.Length; i++)
            {
                // With log probabilities it comes together with those of its tokens.
                if (texts[i].Echo.Length > 0 && body.Logprobs is null)
                {
                    await Send(new CompletionChoice { Index = i, Text = texts[i].Echo }).ConfigureAwait(false);
                }
            }

            bool includesUsage = body.StreamOptions?.IncludeUsage == true;
            Metrics? metrics = null;
            while (await streams.ReadAsync().ConfigureAwait(false) is var (choice, update))
            {
                PlainText text = texts[choice];
                if (update.PromptLogProbabilities is not null)
                {
                    text.AddPrompt(update.PromptLogProbabilities);
                    await Send(new CompletionChoice { Index = choice, Text = text.Echo, Logprobs = text.TakeLogprobs() }).ConfigureAwait(false);
                }

                text.Add(update);
                if (update.Result is { } ended)
                {
                    tally.Add(choice, ended);
                    metrics = measured is null ? null : Measurement.Of(ended, measured);
                }

                AnswerToken[]? tokens = body.IncludeTokens == true ? [.. text.Tokens] : null;
                text.Tokens.Clear();
                CompletionLogprobs? logprobs = text.Logprobs.Count > 0 ? text.TakeLogprobs() : null;
                if (update.Text.Length > 0 || update.Result is not null || tokens is { Length: > 0 })
                {
                    await Send(
                        new CompletionChoice { Index = choice, Text = update.Text, FinishReason = update.Result is { } result ? Finish.Word(result) : null, Logprobs = logprobs, Tokens = tokens },
                        update.Result is null || includesUsage ? null : metrics).ConfigureAwait(false);
                }
            }

            if (includesUsage)
            {
                await events.WriteAsync(frame with { Usage = tally.Usage, Metrics = metrics }, ApiJson.Default.Completion).ConfigureAwait(false);
            }

            await events.EndAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested && ApiErrors.Of(error, guard.Options.RetryAfterSeconds) is { } failure)
        {
            await events.FailAsync(failure).ConfigureAwait(false);
        }

        ValueTask Send(CompletionChoice choice, Metrics? metrics = null) =>
            events.WriteAsync(frame with { Choices = [choice], Metrics = metrics }, ApiJson.Default.Completion);
    }

    /// <summary>One text while it is written.</summary>
    private sealed class PlainText(string echo, LogprobFeed? logprobs, Func<int> firstToken)
    {
        public string Echo => echo;

        public StringBuilder Whole { get; } = new(echo);

        public List<AnswerToken> Tokens { get; } = [];

        public List<PlacedLogprob> Logprobs { get; } = [];

        /// <summary>How probable the tokens were that were not told of yet; null where that was not asked for.</summary>
        public CompletionLogprobs? TakeLogprobs()
        {
            CompletionLogprobs? columns = logprobs is null ? null : LogprobFeed.Columns(Logprobs);
            Logprobs.Clear();
            return columns;
        }

        /// <summary>Takes a text that is known as a whole.</summary>
        public void Set(GenerationResult result)
        {
            Whole.Append(result.Text);
            AddPrompt(result.PromptLogProbabilities);
            Logprobs.AddRange(logprobs?.Whole(result) ?? []);
        }

        /// <summary>Takes what is known of the prompt, if that is told with the text.</summary>
        public void AddPrompt(IReadOnlyList<TokenLogProbability>? prompt)
        {
            if (prompt is not null && logprobs is not null)
            {
                Logprobs.AddRange(logprobs.Prompt(firstToken(), prompt));
            }
        }

        public void Add(in GenerationUpdate update)
        {
            Logprobs.AddRange(logprobs?.Add(update) ?? []);
            Whole.Append(update.Text);
            if (update.Token is { } token)
            {
                Tokens.Add(new AnswerToken { Id = token, Text = update.Text, Source = AnswerToken.Word(update.Source) });
            }
        }
    }
}
