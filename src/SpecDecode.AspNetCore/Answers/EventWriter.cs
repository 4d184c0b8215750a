using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>Writes a stream of server-sent events, each a JSON object, and the word that ends it.</summary>
internal sealed class EventWriter(HttpContext context) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(context.Response.BodyWriter);

    /// <summary>Begins the answer; from here on its status is told.</summary>
    public void Begin()
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";

        // Proxies such as nginx keep back what they take for a page.
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Writes an event and sends it.</summary>
    /// <param name="value">The event.</param>
    /// <param name="type">How it is written.</param>
    /// <param name="name">Its name, in ASCII; null for none.</param>
    public async ValueTask WriteAsync<T>(T value, JsonTypeInfo<T> type, string? name = null)
    {
        if (name is not null)
        {
            Write(Encoding.ASCII.GetBytes($"event: {name}\n"));
        }

        Write("data: "u8);
        _json.Reset(context.Response.BodyWriter);
        JsonSerializer.Serialize(_json, value, type);
        _json.Flush();
        Write("\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Ends the stream as one that is whole.</summary>
    public async ValueTask EndAsync()
    {
        Write("data: [DONE]\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Ends the stream with what went wrong in the middle of it.</summary>
    public ValueTask FailAsync(ApiException error) => WriteAsync(error.Body, ApiJson.Default.ErrorBody);

    public void Dispose() => _json.Dispose();

    private void Write(ReadOnlySpan<byte> text)
    {
        text.CopyTo(context.Response.BodyWriter.GetSpan(text.Length));
        context.Response.BodyWriter.Advance(text.Length);
    }
}
