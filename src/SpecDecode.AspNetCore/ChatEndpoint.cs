using SpecDecode.AspNetCore.Answers;
using SpecDecode.AspNetCore.Requests;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore;

/// <summary>POST /v1/chat/completions.</summary>
internal sealed class ChatEndpoint(Guard guard, ModelDirectory models, TimeProvider time)
{
    private const string Chunk = "chat.completion.chunk";

    public async Task HandleAsync(HttpContext context)
    {
        SpecDecodeEndpointOptions options = guard.Options;
        ChatCompletionBody body = await BodyReader.ReadAsync(context, options.MaxRequestBodyBytes, ApiJson.Default.ChatCompletionBody).ConfigureAwait(false);
        ServedModelEntry model = models.Require(body.Model);
        ChatRequest request = ChatRequest.Of(body, model.Generator, options);
        GenerationDefaults defaults = model.Generator.Defaults;
        int choices = request.Request.Choices;
        await using ChoiceStreams streams = await ChoiceStreams.StartAsync(model.Generator, [request.Request], context.RequestAborted).ConfigureAwait(false);
        ChatText[] texts = [.. Enumerable.Range(0, choices).Select(_ => new ChatText(request, model.Generator.Tokenizer))];
        ChatCompletion frame = new() { Id = Finish.NewId("chatcmpl-"), Created = time.GetUtcNow().ToUnixTimeSeconds(), Model = model.Id, Choices = [] };
        Answer answer = new(body, texts, streams, frame, new Tally(choices), Measures(options, body, choices) ? request.Request.Drafting ?? defaults.Drafting : null);
        await (body.Stream == true ? StreamAsync(context, answer) : CompleteAsync(context, answer)).ConfigureAwait(false);
    }

    /// <summary>Whether an answer has measurements: they are of one text, and of none where there are several.</summary>
    public static bool Measures(SpecDecodeEndpointOptions options, GenerationBody body, int choices) => choices == 1 && (body.IncludeMetrics ?? options.SpeculativeMetrics);

    private static async Task CompleteAsync(HttpContext context, Answer answer)
    {
        ChatChoice[] choices = new ChatChoice[answer.Texts.Length];
        Metrics? metrics = null;
        while (await answer.Streams.ReadAsync().ConfigureAwait(false) is var (choice, update))
        {
            ChatText text = answer.Texts[choice];
            text.Add(update);
            if (update.Result is { } result)
            {
                answer.Tally.Add(choice, result, text.ReasoningTokens);
                metrics = answer.Metrics(result);
                choices[choice] = new ChatChoice
                {
                    Index = choice, Message = text.Message, FinishReason = text.FinishReason(result), Logprobs = Logprobs(answer, text),
                    Tokens = answer.Body.IncludeTokens == true ? text.Tokens : null,
                };
            }
        }

        await context.Response.WriteAsJsonAsync(
            answer.Frame with { Choices = choices, Usage = answer.Tally.Usage, Metrics = metrics }, ApiJson.Default.ChatCompletion, cancellationToken: context.RequestAborted).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, Answer answer)
    {
        using EventWriter events = new(context);
        ChatCompletion frame = answer.Frame with { Object = Chunk };
        events.Begin();
        try
        {
            for (int i = 0; i < answer.Texts.Length; i++)
            {
                await Send(new ChatChoice { Index = i, Delta = new AnswerDelta { Role = "assistant", Content = "" } }).ConfigureAwait(false);
            }

            bool includesUsage = answer.Body.StreamOptions?.IncludeUsage == true;
            Metrics? metrics = null;
            while (await answer.Streams.ReadAsync().ConfigureAwait(false) is var (choice, update))
            {
                ChatText text = answer.Texts[choice];
                List<AnswerDelta> deltas = text.Add(update);
                AnswerToken[]? tokens = answer.Body.IncludeTokens == true && text.Tokens.Count > 0 ? [.. text.Tokens] : null;
                ChatLogprobs? logprobs = text.Logprobs.Count > 0 ? Logprobs(answer, text) : null;
                if (tokens is not null || logprobs is not null)
                {
                    // Also where a token has no text yet.
                    await Send(new ChatChoice { Index = choice, Delta = deltas.Count > 0 ? deltas[0] : new AnswerDelta(), Logprobs = logprobs, Tokens = tokens }).ConfigureAwait(false);
                    deltas = deltas.Count > 0 ? deltas[1..] : deltas;
                }

                text.Tokens.Clear();
                text.Logprobs.Clear();
                foreach (AnswerDelta delta in deltas)
                {
                    await Send(new ChatChoice { Index = choice, Delta = delta }).ConfigureAwait(false);
                }

                if (update.Result is { } result)
                {
                    answer.Tally.Add(choice, result, text.ReasoningTokens);
                    metrics = answer.Metrics(result);
                    await Send(new ChatChoice { Index = choice, Delta = new AnswerDelta(), FinishReason = text.FinishReason(result) }, includesUsage ? null : metrics).ConfigureAwait(false);
                }
            }

            if (includesUsage)
            {
                await events.WriteAsync(frame with { Usage = answer.Tally.Usage, Metrics = metrics }, ApiJson.Default.ChatCompletion).ConfigureAwait(false);
            }

            await events.EndAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested && ApiErrors.Of(error, guard.Options.RetryAfterSeconds) is { } failure)
        {
            await events.FailAsync(failure).ConfigureAwait(false);
        }

        ValueTask Send(ChatChoice choice, Metrics? metrics = null) =>
            events.WriteAsync(frame with { Choices = [choice], Metrics = metrics }, ApiJson.Default.ChatCompletion);
    }

    private static ChatLogprobs? Logprobs(Answer answer, ChatText text) => answer.Body.Logprobs == true ? new ChatLogprobs { Content = [.. text.Logprobs] } : null;

    private sealed record Answer(
        ChatCompletionBody Body, ChatText[] Texts, ChoiceStreams Streams, ChatCompletion Frame, Tally Tally, Drafting.DraftingOptions? Measured)
    {
        public Metrics? Metrics(GenerationResult result) => Measured is null ? null : Measurement.Of(result, Measured);
    }
}
