using SpecDecode.Grammars;

namespace SpecDecode.AspNetCore;

/// <summary>How the endpoints of <see cref="SpecDecodeEndpoints.MapSpecDecode"/> answer, by convention the section <c>SpecDecodeEndpoints</c>.</summary>
public sealed class SpecDecodeEndpointOptions
{
    /// <summary>
    /// Keys of which a request must have one, as <c>Authorization: Bearer KEY</c>. Without any everybody may ask, and the server refuses to listen
    /// beyond loopback unless <see cref="AllowAnonymous"/> is set.
    /// </summary>
    /// <value>None by default. None of them is empty.</value>
    public IList<string> ApiKeys { get; set; } = [];

    /// <summary>Whether everybody who reaches the server may ask, from other machines too, where there are no keys: for servers behind a proxy that knows who asks.</summary>
    /// <value>The default is false.</value>
    public bool AllowAnonymous { get; set; }

    /// <summary>The longest body of a request, in bytes; a longer one is answered with 413 and not read.</summary>
    /// <value>The default is 4,194,304 (4 MB); at least 1024.</value>
    public long MaxRequestBodyBytes { get; set; } = 4 << 20;

    /// <summary>Most texts that one request may ask for: its prompts times <c>n</c>.</summary>
    /// <value>The default is 16; 1 to 128.</value>
    public int MaxChoices { get; set; } = 16;

    /// <summary>What <c>Retry-After</c> says where a request is refused since the queue is full.</summary>
    /// <value>The default is 1 second; 1 to 3600, in whole seconds.</value>
    public int RetryAfterSeconds { get; set; } = 1;

    /// <summary>Whether every answer has <c>metrics.speculative_decoding</c>, also where the request does not ask for it with <c>include_metrics</c>.</summary>
    /// <value>The default is false.</value>
    public bool SpeculativeMetrics { get; set; }

    /// <summary>Where answers in JSON (<c>response_format</c>) have white space, if the request does not say with <c>json_white_space</c>.</summary>
    /// <value>The default is <see cref="JsonWhiteSpace.Spaced"/>, as most JSON is written that models have read.</value>
    public JsonWhiteSpace JsonWhiteSpace { get; set; } = JsonWhiteSpace.Spaced;

    /// <summary>The order of properties in answers in JSON, if the request does not say with <c>json_property_order</c>.</summary>
    /// <value>The default is <see cref="JsonPropertyOrder.AsGiven"/>.</value>
    public JsonPropertyOrder JsonPropertyOrder { get; set; }

    /// <summary>What is wrong with the options, a sentence each.</summary>
    internal IEnumerable<string> Errors()
    {
        if (ApiKeys is null || ApiKeys.Any(string.IsNullOrWhiteSpace))
        {
            yield return "ApiKeys has an empty key: give keys that are not, or none.";
        }

        if (MaxRequestBodyBytes < 1024)
        {
            yield return $"MaxRequestBodyBytes is {MaxRequestBodyBytes}: give 1024 or more.";
        }

        if (MaxChoices is < 1 or > 128)
        {
            yield return $"MaxChoices is {MaxChoices}: give 1 to 128.";
        }

        if (RetryAfterSeconds is < 1 or > 3600)
        {
            yield return $"RetryAfterSeconds is {RetryAfterSeconds}: give 1 to 3600.";
        }

        if (!Enum.IsDefined(JsonWhiteSpace))
        {
            yield return $"JsonWhiteSpace is {(int)JsonWhiteSpace}: give {string.Join(", ", Enum.GetNames<JsonWhiteSpace>())}.";
        }

        if (!Enum.IsDefined(JsonPropertyOrder))
        {
            yield return $"JsonPropertyOrder is {(int)JsonPropertyOrder}: give {string.Join(", ", Enum.GetNames<JsonPropertyOrder>())}.";
        }
    }
}
