using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;

namespace SpecDecode.AspNetCore;

/// <summary>What goes wrong as the answer that says so. Why a model is not there the log and the health checks tell: it names folders, which are no business of a client's.</summary>
internal static class ApiErrors
{
    private const string ServerError = "server_error";
    private const int RetryAfterStart = 5;

    /// <summary>The answer to an error; null where it is none that is expected.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="retryAfter">Seconds after which a full queue may have room again.</param>
    public static ApiException? Of(Exception error, int retryAfter) => error switch
    {
        ApiException known => known,
        QueueFullException => new ApiException(
            StatusCodes.Status429TooManyRequests, "rate_limit_error", "queue_full", null, "As many requests are being answered or wait as this server takes: try again later.", error)
        {
            RetryAfter = retryAfter,
        },
        ModelNotReadyException => new ApiException(
            StatusCodes.Status503ServiceUnavailable, ServerError, "model_not_ready", null, "The model is not ready to answer.", error) { RetryAfter = RetryAfterStart },
        ShuttingDownException => ShuttingDown(error),
        SpecDecodeException => new ApiException(StatusCodes.Status500InternalServerError, ServerError, null, null, "The model failed in the middle of the text.", error),
        BadHttpRequestException bad => new ApiException(bad.StatusCode, "invalid_request_error", null, null, bad.Message, bad),
        _ => null,
    };

    /// <summary>The service stops.</summary>
    public static ApiException ShuttingDown(Exception? error) => new(
        StatusCodes.Status503ServiceUnavailable, ServerError, "shutting_down", null, "The service is stopping: send this request to another instance, or again later.", error)
    {
        RetryAfter = RetryAfterStart,
    };
}
