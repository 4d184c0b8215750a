namespace SpecDecode.AspNetCore.Wire;

/// <summary>An answer that is an error, as OpenAI's interface has it.</summary>
internal sealed class ApiException(int status, string type, string? code, string? parameter, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Status => status;

    public string Type => type;

    public string? Code => code;

    /// <summary>The field at fault; null where it is none in particular.</summary>
    public string? Parameter => parameter;

    /// <summary>Seconds after which it may be worth another try.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>A mistake in a field of the request.</summary>
    public static ApiException Invalid(string? parameter, string message, string? code = null, Exception? inner = null) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", code, parameter, message, inner);

    /// <summary>A field that is known or not, and not served.</summary>
    public static ApiException Unsupported(string parameter, string message) => Invalid(parameter, message, "unsupported_parameter");

    public ErrorBody Body => new() { Error = new ErrorDetail { Message = Message, Type = Type, Param = Parameter, Code = Code } };
}
