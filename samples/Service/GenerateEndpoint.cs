using System.Net.ServerSentEvents;
using SpecDecode;
using SpecDecode.ChatTemplates;
using SpecDecode.Generation;

namespace Service;

/// <summary>POST /generate: continues a text and streams it as server-sent events, one for each token.</summary>
internal static class GenerateEndpoint
{
    public static async Task<IResult> HandleAsync(GenerateBody? body, ITextGenerator generator, HttpContext context)
    {
        if (body is null)
        {
            throw new BadHttpRequestException($"There is no body: send a JSON object with {GenerateBody.Fields}.");
        }

        // A client that leaves ends its text: the token is cancelled then.
        IAsyncEnumerator<GenerationUpdate> updates = Start(generator, body, context.RequestAborted);
        context.Response.RegisterForDisposeAsync(updates);

        // The first token before the response begins: until then a full queue can still be told by a status.
        await updates.MoveNextAsync();
        if (updates.Current.Result is { FinishReason: FinishReason.Shutdown, Tokens.Count: 0 })
        {
            // It waited still when the service had to end.
            throw new ShuttingDownException("The service is stopping: send this request to another instance, or again later.");
        }

        return TypedResults.ServerSentEvents(Events(updates));
    }

    private static IAsyncEnumerator<GenerationUpdate> Start(ITextGenerator generator, GenerateBody body, CancellationToken aborted)
    {
        try
        {
            // The library's own sentence names the file that is missing, which is no business of a client's.
            if (body.Messages is not null && generator.ChatTokenizer is null)
            {
                throw new BadHttpRequestException("This model has no chat template that can be used: send a prompt.");
            }

            return generator.GenerateAsync(body.ToRequest(generator.Defaults), aborted).GetAsyncEnumerator(aborted);
        }
        catch (ChatTemplateException refusal)
        {
            throw new BadHttpRequestException($"The chat template refuses the messages: {refusal.Reason}", refusal);
        }
        catch (Exception error) when (error is ArgumentException or SpecDecodeException and not ModelNotReadyException)
        {
            throw new BadHttpRequestException(error.Message.Split(" (Parameter '")[0], error);
        }
    }

    private static async IAsyncEnumerable<SseItem<TokenEvent>> Events(IAsyncEnumerator<GenerationUpdate> updates)
    {
        string? error = null;
        for (bool goesOn = true; goesOn;)
        {
            yield return new SseItem<TokenEvent>(TokenEvent.Of(updates.Current), updates.Current.Result is null ? "token" : "end");
            try
            {
                goesOn = await updates.MoveNextAsync();
            }
            catch (SpecDecodeException failure)
            {
                error = failure.Message;
                goesOn = false;
            }
        }

        if (error is not null)
        {
            yield return new SseItem<TokenEvent>(new TokenEvent { Error = error }, "error");
        }
    }
}
