using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore;

/// <summary>What stands before each endpoint: who may ask, and errors in OpenAI's form.</summary>
internal sealed class Guard(IOptionsMonitor<SpecDecodeEndpointOptions> options)
{
    private const string Scheme = "Bearer ";

    /// <summary>The options that hold now.</summary>
    public SpecDecodeEndpointOptions Options => options.CurrentValue;

    /// <summary>An endpoint behind the guard.</summary>
    public RequestDelegate Protect(Func<HttpContext, Task> handle) => async context =>
    {
        try
        {
            if (Refusal(context) is { } refusal)
            {
                throw refusal;
            }

            await handle(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads an answer any more.
        }
        catch (Exception error) when (!context.Response.HasStarted && ApiErrors.Of(error, Options.RetryAfterSeconds) is { } answer)
        {
            await WriteAsync(context, answer).ConfigureAwait(false);
        }
    };

    /// <summary>An endpoint of the application's own that only those reach who may ask; its errors stay its own.</summary>
    public RequestDelegate Admit(RequestDelegate handle) => context => Refusal(context) is { } refusal ? WriteAsync(context, refusal) : handle(context);

    /// <summary>Whether an address is of this machine alone.</summary>
    public static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static async Task WriteAsync(HttpContext context, ApiException error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = FormattableString.Invariant($"{seconds}");
        }

        if (error.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        await context.Response.WriteAsJsonAsync(error.Body, ApiJson.Default.ErrorBody, cancellationToken: context.RequestAborted).ConfigureAwait(false);
    }

    // Why a request may not ask; null where it may.
    private ApiException? Refusal(HttpContext context)
    {
        SpecDecodeEndpointOptions current = Options;
        if (current.ApiKeys.Count > 0)
        {
            return HasKey(context, current.ApiKeys) ? null : new ApiException(
                StatusCodes.Status401Unauthorized, "invalid_request_error", "invalid_api_key", null, "The API key is missing or wrong: send one as Authorization: Bearer KEY.");
        }

        // The listening itself is refused when the server starts; this is for what comes before that, and for options that changed since.
        return !current.AllowAnonymous && context.Connection.LocalIpAddress is { } address && !IsLoopback(address)
            ? new ApiException(StatusCodes.Status403Forbidden, "invalid_request_error", "no_api_keys", null, "This server has no API keys and answers its own machine alone.")
            : null;
    }

    // By hashes, which are of one length, and all of them always: how long it takes tells nothing of a key.
    private static bool HasKey(HttpContext context, IList<string> keys)
    {
        string? header = context.Request.Headers.Authorization;
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim()));
        bool found = false;
        foreach (string key in keys)
        {
            found |= CryptographicOperations.FixedTimeEquals(given, SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        }

        return found;
    }
}
