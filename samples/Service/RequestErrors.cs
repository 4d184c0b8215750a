using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using SpecDecode;
using SpecDecode.Generation;

namespace Service;

/// <summary>Answers what went wrong before a stream began: the caller's mistakes with 400, no room or no model with 503, by a sentence.</summary>
internal sealed class RequestErrors(IProblemDetailsService problems) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        (int status, int? retryAfterSeconds) = exception switch
        {
            BadHttpRequestException bad => (bad.StatusCode, (int?)null),
            QueueFullException => (StatusCodes.Status503ServiceUnavailable, 1),
            ModelNotReadyException or ShuttingDownException => (StatusCodes.Status503ServiceUnavailable, 5),
            SpecDecodeException => (StatusCodes.Status500InternalServerError, null),
            _ => (0, null),
        };
        if (status == 0)
        {
            return false;
        }

        httpContext.Response.StatusCode = status;
        if (retryAfterSeconds is { } seconds)
        {
            httpContext.Response.Headers.RetryAfter = FormattableString.Invariant($"{seconds}");
        }

        return await problems.TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = httpContext,
            ProblemDetails = { Status = status, Detail = Detail(exception) },
        });
    }

    // Why the model is not there is told by the log and the checks: it names folders, which are no business of a client's.
    private static string Detail(Exception exception) =>
        exception.InnerException is JsonException json ? Sentence(json)
        : exception is ModelNotReadyException ? "The model is not ready to answer."
        : exception.Message;

    // That of the reader of JSON names types of ours.
    private static string Sentence(JsonException error) =>
        $"The body is wrong{(error.Path is null or "$" ? "" : $" at {error.Path}")}: send a JSON object with {GenerateBody.Fields}.";
}
