using System.Diagnostics;
using System.Globalization;
using SpecDecode.Tests.Samples;

namespace SpecDecode.Tests.Server.Load;

/// <summary>What a server holds, by its own metrics, all models together.</summary>
/// <param name="Live">Texts that are written.</param>
/// <param name="Waiting">Requests that wait.</param>
/// <param name="KvReserved">Bytes of keys and values that texts have reserved.</param>
/// <param name="KvUsed">Bytes of them that texts have written.</param>
/// <param name="HeapBytes">The managed heap after its last collection.</param>
/// <param name="ProcessBytes">The working set of the process.</param>
internal sealed record Held(long Live, long Waiting, long KvReserved, long KvUsed, long HeapBytes, long ProcessBytes)
{
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(60);

    /// <summary>Neither texts nor their memory.</summary>
    public bool IsNothing => (Live, Waiting, KvReserved, KvUsed) == (0, 0, 0, 0);

    /// <summary>As it is now, or was some 300 ms ago: for so long the exporter answers the same.</summary>
    public static async Task<Held> Read(ServiceProcess server)
    {
        string[] lines = (await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken)).Split('\n');
        return new Held(
            Sum("specdecode_sequences_live"), Sum("specdecode_sequences_waiting"), Sum("specdecode_kv_cache_reserved_bytes"), Sum("specdecode_kv_cache_used_bytes"),
            Sum("dotnet_gc_last_collection_heap_size_bytes"), Sum("dotnet_process_memory_working_set_bytes"));

        long Sum(string name)
        {
            string[] series = [.. lines.Where(line => line.StartsWith(name + "{", StringComparison.Ordinal))];
            Assert.True(series.Length > 0, $"/metrics has no {name}.");
            return series.Sum(line => (long)double.Parse(line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Waits until nothing is held, since the engine learns of callers that left at its next step.</summary>
    public static async Task<Held> ReadAtRest(ServiceProcess server)
    {
        long start = Stopwatch.GetTimestamp();
        Held held = await Read(server);
        while (!held.IsNothing)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < MostTime, $"It is still held: {held}");
            await Task.Delay(400, TestContext.Current.CancellationToken);
            held = await Read(server);
        }

        return held;
    }
}
