using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>Reads the JSON body of a request, no longer than is allowed.</summary>
internal static class BodyReader
{
    /// <summary>Reads it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">The longest body.</param>
    /// <param name="type">What it is read as.</param>
    /// <exception cref="ApiException">It is no JSON of that type, too long, or of another media type.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, long maxBytes, JsonTypeInfo<T> type)
        where T : class
    {
        // Also what keeps pages of other origins from asking: browsers ask first before they send this type.
        if (!context.Request.HasJsonContentType())
        {
            throw new ApiException(
                StatusCodes.Status415UnsupportedMediaType, "invalid_request_error", null, null, "The body must be JSON: send it with the header Content-Type: application/json.");
        }

        if (context.Request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit && !(limit.MaxRequestBodySize < maxBytes))
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            }
            catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
            {
                throw TooLarge(maxBytes);
            }

            if (read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                throw TooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                try
                {
                    return Parse(read.Buffer.ToArray(), type);
                }
                finally
                {
                    reader.AdvanceTo(read.Buffer.End);
                }
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Reads a body that is here.</summary>
    /// <exception cref="ApiException">It is no JSON of that type.</exception>
    public static T Parse<T>(byte[] bytes, JsonTypeInfo<T> type)
        where T : class
    {
        if (!Utf8.IsValid(bytes))
        {
            throw ApiException.Invalid(null, "The body is not valid UTF-8.");
        }

        try
        {
            CheckTexts(bytes);
            T? value = JsonSerializer.Deserialize(bytes, type);
            return value ?? throw ApiException.Invalid(null, "The body is null: send a JSON object.");
        }
        catch (JsonException error)
        {
            string? field = Field(error.Path);
            throw ApiException.Invalid(
                field, field is null ? "The body cannot be read: send one JSON object, each field once." : $"'{field}' has a value of the wrong kind, or is there twice.", inner: error);
        }
        catch (InvalidOperationException error)
        {
            // What the runtime throws for half a surrogate pair.
            throw ApiException.Invalid(null, "The body has a text that is not valid Unicode (half a surrogate pair).", inner: error);
        }
    }

    // Escapes that are half a surrogate pair are no text; found here, since fields are read one by one later.
    private static void CheckTexts(ReadOnlySpan<byte> body)
    {
        Utf8JsonReader json = new(body);
        while (json.Read())
        {
            if (json.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && json.ValueIsEscaped)
            {
                json.GetString();
            }
        }
    }

    // $.stream_options.include_usage
    private static string? Field(string? path) => path is { Length: > 2 and <= 200 } && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : null;

    private static ApiException TooLarge(long maxBytes) => new(
        StatusCodes.Status413PayloadTooLarge, "invalid_request_error", "request_too_large", null, $"The body is longer than the {maxBytes} bytes that this server takes: shorten it.");
}
