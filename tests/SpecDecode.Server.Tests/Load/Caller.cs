using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace SpecDecode.Tests.Server.Load;

/// <summary>A client with one connection of its own.</summary>
internal sealed class Caller : IDisposable
{
    private readonly HttpClient _client;

    public Caller(Uri address, string? key = null)
    {
        _client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
        _client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>A greedy text that ends by its length.</summary>
    public static object Body(string model, string prompt, int newTokens) =>
        new { model, prompt, max_tokens = newTokens, temperature = 0, ignore_eos = true, stream = true };

    /// <summary>Asks for a stream and reads it to its end.</summary>
    public async Task<Answer> AskAsync(object body, string path = "/v1/completions")
    {
        using StreamedAnswer stream = await BeginAsync(body, path);
        return stream.Refusal ?? await stream.ReadAsync();
    }

    /// <summary>Asks for a stream; returns once it has begun or was refused.</summary>
    public async Task<StreamedAnswer> BeginAsync(object body, string path = "/v1/completions")
    {
        long start = Stopwatch.GetTimestamp();
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        TimeSpan first = Stopwatch.GetElapsedTime(start);
        if (response.IsSuccessStatusCode)
        {
            return new StreamedAnswer(response, first);
        }

        using (response)
        {
            string message = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return new StreamedAnswer(null, first) { Refusal = new Answer(response.StatusCode, message, first) { RetryAfter = response.Headers.RetryAfter?.Delta } };
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>What came of a request.</summary>
    /// <param name="Status">The status.</param>
    /// <param name="Text">The text, or the body of a refusal.</param>
    /// <param name="First">From asking to the first token, with which a stream begins, or to the refusal.</param>
    internal sealed record Answer(HttpStatusCode Status, string Text, TimeSpan First)
    {
        public TimeSpan? RetryAfter { get; init; }

        /// <summary>Whether it was refused as it must be where more ask than fit.</summary>
        public bool IsTold => Status == HttpStatusCode.TooManyRequests && RetryAfter >= TimeSpan.FromSeconds(1) && Text.Contains("queue_full", StringComparison.Ordinal);
    }

    /// <summary>A stream that has begun, or was refused.</summary>
    internal sealed class StreamedAnswer(HttpResponseMessage? response, TimeSpan first) : IDisposable
    {
        public Answer? Refusal { get; init; }

        /// <summary>Reads it to its end.</summary>
        public async Task<Answer> ReadAsync()
        {
            StringBuilder text = new();
            using StreamReader reader = new(await response!.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
            string last = "";
            while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith("data: {", StringComparison.Ordinal))
                {
                    JsonElement data = JsonElement.Parse(line[6..]);
                    Assert.False(data.TryGetProperty("error", out JsonElement error), $"The stream ended by an error: {error}");
                    foreach (JsonElement choice in data.GetProperty("choices").EnumerateArray())
                    {
                        text.Append(choice.TryGetProperty("text", out JsonElement part) ? part.GetString() : "");
                    }
                }

                last = line.Length > 0 ? line : last;
            }

            Assert.Equal("data: [DONE]", last);
            return new Answer(response.StatusCode, text.ToString(), first);
        }

        public void Dispose() => response?.Dispose();
    }
}
