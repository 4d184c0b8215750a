using System.Text.Json;
using SpecDecode.AspNetCore.Answers;
using SpecDecode.AspNetCore.Requests;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore;

/// <summary>POST /v1/responses, as far as it needs nothing that is kept between requests.</summary>
internal sealed class ResponseEndpoint(Guard guard, ModelDirectory models, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        SpecDecodeEndpointOptions options = guard.Options;
        ResponseBody body = await BodyReader.ReadAsync(context, options.MaxRequestBodyBytes, ApiJson.Default.ResponseBody).ConfigureAwait(false);
        ServedModelEntry model = models.Require(body.Model);
        ResponseRequest request = ResponseRequest.Of(body, model.Generator, options);
        GenerationDefaults defaults = model.Generator.Defaults;
        await using ChoiceStreams streams = await ChoiceStreams.StartAsync(model.Generator, [request.Chat.Request], context.RequestAborted).ConfigureAwait(false);
        ChatText text = new(request.Chat, model.Generator.Tokenizer);
        ResponseObject frame = Frame(body, request, defaults, model.Id);
        Drafting.DraftingOptions? measured = ChatEndpoint.Measures(options, request.Body, 1) ? request.Chat.Request.Drafting ?? defaults.Drafting : null;
        await (body.Stream == true ? StreamAsync(context, streams, text, frame, measured) : CompleteAsync(context, streams, text, frame, measured)).ConfigureAwait(false);
    }

    private static async Task CompleteAsync(HttpContext context, ChoiceStreams streams, ChatText text, ResponseObject frame, Drafting.DraftingOptions? measured)
    {
        ResponseItems items = new();
        while (await streams.ReadAsync().ConfigureAwait(false) is var (_, update))
        {
            foreach (AnswerDelta delta in text.Add(update))
            {
                items.Add(delta);
            }

            if (update.Result is { } result)
            {
                items.End(Status(result));
                frame = Ended(frame, result, text, items, measured);
            }
        }

        await context.Response.WriteAsJsonAsync(frame, ApiJson.Default.ResponseObject, cancellationToken: context.RequestAborted).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, ChoiceStreams streams, ChatText text, ResponseObject frame, Drafting.DraftingOptions? measured)
    {
        using EventWriter events = new(context);
        events.Begin();
        ResponseItems items = new();
        int number = 0;
        try
        {
            await Send(new ResponseEvent { Type = "response.created", Response = frame }).ConfigureAwait(false);
            await Send(new ResponseEvent { Type = "response.in_progress", Response = frame }).ConfigureAwait(false);
            while (await streams.ReadAsync().ConfigureAwait(false) is var (_, update))
            {
                foreach (AnswerDelta delta in text.Add(update))
                {
                    foreach (ResponseEvent one in items.Add(delta))
                    {
                        await Send(one).ConfigureAwait(false);
                    }
                }

                if (update.Result is { } result)
                {
                    string status = Status(result);
                    foreach (ResponseEvent one in items.End(status))
                    {
                        await Send(one).ConfigureAwait(false);
                    }

                    await Send(new ResponseEvent { Type = "response." + status, Response = Ended(frame, result, text, items, measured) }).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested && ApiErrors.Of(error, guard.Options.RetryAfterSeconds) is { } failure)
        {
            string code = failure.Code ?? failure.Type;
            await Send(new ResponseEvent { Type = "error", Code = code, Message = failure.Message, Param = failure.Parameter }).ConfigureAwait(false);
            await Send(new ResponseEvent
            {
                Type = "response.failed", Response = frame with { Status = "failed", Output = items.Items, Error = new ResponseError { Code = code, Message = failure.Message } },
            }).ConfigureAwait(false);
        }

        ValueTask Send(ResponseEvent one) => events.WriteAsync(one with { SequenceNumber = number++ }, ApiJson.Default.ResponseEvent, one.Type);
    }

    private static string Status(GenerationResult result) => Finish.Word(result) == "length" ? "incomplete" : "completed";

    private static ResponseObject Ended(ResponseObject frame, GenerationResult result, ChatText text, ResponseItems items, Drafting.DraftingOptions? measured)
    {
        Tally tally = new(1);
        tally.Add(0, result, text.ReasoningTokens);
        string status = Status(result);
        return frame with
        {
            Status = status, Output = items.Items, Usage = ResponseUsage.Of(tally.Usage), Metrics = measured is null ? null : Measurement.Of(result, measured),
            IncompleteDetails = status == "incomplete" ? new IncompleteDetails { Reason = "max_output_tokens" } : null,
        };
    }

    private ResponseObject Frame(ResponseBody body, ResponseRequest request, GenerationDefaults defaults, string model) => new()
    {
        Id = Finish.NewId("resp_"), CreatedAt = time.GetUtcNow().ToUnixTimeSeconds(), Status = "in_progress", Model = model, Output = [],
        Instructions = body.Instructions, MaxOutputTokens = body.MaxOutputTokens,
        ParallelToolCalls = request.Body.ParallelToolCalls != false,
        Temperature = (request.Chat.Request.Sampling ?? defaults.Sampling).Temperature, TopP = (request.Chat.Request.Sampling ?? defaults.Sampling).TopP,
        Text = body.Text ?? JsonBuilder.Build(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("format");
            json.WriteString("type", "text");
            json.WriteEndObject();
            json.WriteEndObject();
        }),
        ToolChoice = body.ToolChoice is { ValueKind: not JsonValueKind.Null } choice ? choice : JsonBuilder.Text("auto"),
        Tools = body.Tools is { ValueKind: JsonValueKind.Array } tools ? tools : JsonBuilder.Build(json =>
        {
            json.WriteStartArray();
            json.WriteEndArray();
        }),
        Metadata = body.Others?.TryGetValue("metadata", out JsonElement metadata) == true ? metadata : null,
    };
}
