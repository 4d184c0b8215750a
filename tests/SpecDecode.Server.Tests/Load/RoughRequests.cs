using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;

namespace SpecDecode.Tests.Server.Load;

/// <summary>Requests as a server gets them from everybody: whole ones, left ones, huge, broken and forbidden ones. Each is held to the answer that it must get.</summary>
/// <param name="address">The server's.</param>
/// <param name="key">The key that it wants.</param>
/// <param name="texts">What greedy requests are answered, by model and prompt.</param>
internal sealed class RoughRequests(Uri address, string key, Dictionary<(string Model, string Prompt), string> texts)
{
    public const int NewTokens = 24;

    // What any text may be answered while many ask.
    private static readonly int[] TextOrFull = [200, 429];

    private static readonly byte[] Huge = Encoding.ASCII.GetBytes("{\"model\": \"tales\", \"prompt\": \"" + new string('a', 5 << 20));

    private readonly ConcurrentDictionary<string, int> _counts = new();

    /// <summary>How many there were of each kind and status.</summary>
    public IReadOnlyDictionary<string, int> Counts => _counts;

    /// <summary>What was answered otherwise than it must be.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    /// <summary>Makes the request of a number.</summary>
    public async Task MakeAsync(int number, Caller caller)
    {
        Random random = new(number);
        ((string model, string prompt), string text) = texts.ElementAt(random.Next(texts.Count));
        switch (number % 20)
        {
            case < 5:
                Caller.Answer answer = await caller.AskAsync(Caller.Body(model, prompt, NewTokens));
                Note("whole", (int)answer.Status, TextOrFull);
                if (answer.Status == HttpStatusCode.OK ? answer.Text != text : !answer.IsTold)
                {
                    Complaints.Enqueue($"{model}, {prompt}: {answer}");
                }

                break;
            case 5:
                Note("two answers", await Post("/v1/chat/completions", new { model, messages = new[] { new { role = "user", content = prompt } }, max_tokens = 20, n = 2, temperature = 0.8 }), TextOrFull);
                break;
            case 6:
                Note("format", await Post("/v1/completions", new { model, prompt, max_tokens = 20, response_format = new { type = "json_object" } }), TextOrFull);
                break;
            case 7 or 8 or 9:
                await LeaveAsync(random, model, prompt);
                break;
            case 10:
                string left = TextBody(model, prompt);
                await Send(RawConnection.Head("/v1/completions", $"Content-Length: {left.Length}", key) + left, breaks: number % 40 == 10);
                Note("left at once", 0, [0]);
                break;
            case 11:
                Note("huge by its head", await Ask(RawConnection.Head("/v1/completions", "Content-Length: 50000000", key) + "{\"model\""), [413]);
                break;
            case 12:
                await HugeAsync();
                break;
            case 13:
                Note("long prompt", await Post("/v1/completions", new { model, prompt = new string('b', random.Next(20_000, 3_000_000)) }), [400]);
                break;
            case 14 or 15:
                string broken = Broken(random, model, prompt);
                Note("broken body", await Ask(RawConnection.Head("/v1/completions", $"Content-Length: {broken.Length}", key) + broken), [400]);
                break;
            case 16:
                bool isForm = number % 40 == 16;
                string body = TextBody(model, prompt);
                string head = RawConnection.Head("/v1/completions", $"Content-Length: {body.Length}", isForm ? key : "wrong" + random.Next());
                Note(isForm ? "wrong type" : "wrong key", await Ask((isForm ? head.Replace("application/json", "text/plain", StringComparison.Ordinal) : head) + body), [isForm ? 415 : 401]);
                break;
            case 17:
                Note("unknown", await Post("/v1/completions", number % 40 == 17 ? new { model = "gpt-" + random.Next(), prompt } : new { model, prompt, surprise = random.Next() }), [number % 40 == 17 ? 404 : 400]);
                break;
            case 18:
                string whole = RawConnection.Head("/v1/completions", "Content-Length: 10", key);
                await Send(whole[..random.Next(1, whole.Length - 3)], random.Next(200), random.Next(2) == 0);
                Note("half a head", 0, [0]);
                break;
            case 19 when number % 40 == 19:
                Note("no HTTP", await Ask("\0\u0001GARBAGE\r\n\r\n"), [400]);
                break;
            default:
                await Send(RawConnection.Head("/v1/completions", "Content-Length: 1000", key) + "{\"model\": \"tales\", \"pro", random.Next(200), random.Next(2) == 0);
                Note("half a body", 0, [0]);
                break;
        }
    }

    private static string TextBody(string model, string prompt) => JsonSerializer.Serialize(Caller.Body(model, prompt, 200));

    private static string Broken(Random random, string model, string prompt)
    {
        string body = TextBody(model, prompt);
        switch (random.Next(5))
        {
            case 0:
                return body[..random.Next(body.Length)];
            case 1:
                return string.Concat(Enumerable.Range(0, random.Next(1, 400)).Select(_ => (char)random.Next(256)));
            case 2:
                return "{\"prompt\": " + new string('[', random.Next(100, 100_000));
            case 3:
                return body.Replace("200", "\"many\"", StringComparison.Ordinal);
            default:
                return body.Replace("200", (-random.Next()).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }
    }

    // Somewhere in the middle of the stream.
    private async Task LeaveAsync(Random random, string model, string prompt)
    {
        using RawConnection connection = await RawConnection.OpenAsync(address);
        string body = TextBody(model, prompt);
        await connection.SendAsync(RawConnection.Head("/v1/completions", $"Content-Length: {body.Length}", key) + body);
        string begin = await connection.ReadAsync(random.Next(20, 8000));
        if (random.Next(2) == 0)
        {
            connection.Break();
        }

        Note("left in the middle", begin.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) ? 200 : begin.StartsWith("HTTP/1.1 429", StringComparison.Ordinal) ? 429 : 0, TextOrFull);
    }

    // Without a length, so that it is too long only once so much has come. The server may leave before it has all of it, and with it its answer may be lost.
    private async Task HugeAsync()
    {
        using RawConnection connection = await RawConnection.OpenAsync(address);
        await connection.SendAsync(RawConnection.Head("/v1/completions", "Transfer-Encoding: chunked", key));
        const int Piece = 64 << 10;
        for (int at = 0; at < Huge.Length; at += Piece)
        {
            ReadOnlyMemory<byte> piece = Huge.AsMemory(at, Math.Min(Piece, Huge.Length - at));
            if (!await connection.SendAsync($"{piece.Length:x}\r\n") || !await connection.SendAsync(piece) || !await connection.SendAsync("\r\n"))
            {
                break;
            }
        }

        Note("huge by and by", await connection.ReadStatusAsync(), [413, 0]);
    }

    private async Task<int> Post(string path, object body)
    {
        string json = JsonSerializer.Serialize(body);
        return await Ask(RawConnection.Head(path, $"Content-Length: {json.Length}", key) + json);
    }

    private async Task<int> Ask(string request)
    {
        using RawConnection connection = await RawConnection.OpenAsync(address);
        await connection.SendAsync(request);
        return await connection.ReadStatusAsync();
    }

    // Says something and leaves.
    private async Task Send(string request, int waitMilliseconds = 0, bool breaks = false)
    {
        using RawConnection connection = await RawConnection.OpenAsync(address);
        await connection.SendAsync(request);
        await Task.Delay(waitMilliseconds, TestContext.Current.CancellationToken);
        if (breaks)
        {
            connection.Break();
        }
    }

    private void Note(string kind, int status, int[] expected)
    {
        _counts.AddOrUpdate($"{kind} {(status == 0 ? "(left)" : status)}", 1, (_, count) => count + 1);
        if (!expected.Contains(status))
        {
            Complaints.Enqueue($"{kind}: {status}");
        }
    }
}
