using System.Diagnostics;
using System.Net.Http.Json;

namespace SpecDecode.Tests.Dashboards;

/// <summary>
/// Requests of many kinds to a service of this machine, some of which leave in the middle; for some seconds, by a few callers, each of which waits for its
/// answer before it asks again.
/// </summary>
internal static class MixedLoad
{
    private const int MostRequests = 20_000;

    private static readonly object[] Bodies =
    [
        new { prompt = "Once upon a time there was a dog", maxTokens = 60 },
        new { prompt = "One day a girl named Lily", maxTokens = 40, draftLength = 7 },
        new { prompt = "A cat and a bird", maxTokens = 30, draftLength = 0 },
        new { prompt = "The little bear", maxTokens = 50, temperature = 0.8, topP = 0.9 },
        new { prompt = "Tom was sad because", maxTokens = 80, temperature = 1.0, seed = 3 },
        new { prompt = string.Join(' ', Enumerable.Repeat("The sun was warm and the sky was blue.", 20)), maxTokens = 30 },
        new { prompt = "A", maxTokens = 1 },
    ];

    /// <summary>Asks for so long.</summary>
    /// <param name="client">Knows the service, on a loopback address.</param>
    /// <param name="time">For how long.</param>
    /// <param name="callers">How many ask at the same time.</param>
    /// <param name="bodies">What they ask for; null for a mixture.</param>
    /// <param name="until">Ends it earlier.</param>
    /// <returns>Answers that came to their end.</returns>
    public static async Task<int> Run(HttpClient client, TimeSpan time, int callers, object[]? bodies = null, CancellationToken until = default)
    {
        Assert.True(client.BaseAddress!.IsLoopback);
        bodies ??= Bodies;
        long start = Stopwatch.GetTimestamp();
        int asked = 0;
        int answered = 0;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < time && !until.IsCancellationRequested)
            {
                int number = Interlocked.Increment(ref asked);
                if (number > MostRequests)
                {
                    return;
                }

                try
                {
                    using HttpRequestMessage request = new(HttpMethod.Post, "/generate") { Content = JsonContent.Create(bodies[number % bodies.Length]) };
                    using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                    bool leaves = bodies == Bodies && number % 11 == 0;
                    if (response.IsSuccessStatusCode && !leaves)
                    {
                        await response.Content.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
                        Interlocked.Increment(ref answered);
                    }
                    else if (!leaves)
                    {
                        // Refused: not at once again.
                        await Task.Delay(20, TestContext.Current.CancellationToken);
                    }
                }
                catch (Exception error) when (error is HttpRequestException or IOException)
                {
                    // It is ended in the middle by some tests.
                    await Task.Delay(20, TestContext.Current.CancellationToken);
                }
            }
        }));
        return answered;
    }
}
