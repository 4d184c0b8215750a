using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.HostProbe;

/// <summary>A host in which a second model comes and goes, and how much memory the process has with it and without.</summary>
internal static class CatalogProbe
{
    private const int Times = 9;

    public static async Task RunAsync(string folder, string cache, string second)
    {
        ServiceCollection services = new();
        services.AddSpecDecode(options => Set(options, folder, cache));
        await using ServiceProvider provider = services.BuildServiceProvider();
        foreach (IHostedService service in provider.GetServices<IHostedService>())
        {
            await service.StartAsync(CancellationToken.None);
        }

        IModelCatalog catalog = provider.GetRequiredService<IModelCatalog>();
        for (int i = 0; i < Times; i++)
        {
            await catalog.LoadAsync("second", options => Set(options, second, cache));
            GenerationRequest request = new() { Tokens = [1, 2, 3], MaxTokens = 64, IgnoreEndOfSequence = true };
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => catalog.GetGenerator("second").CompleteAsync(request)));
            long loaded = Resident();
            await catalog.UnloadAsync("second");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"resident: {loaded} {Resident()}"));
        }
    }

    private static void Set(SpecDecodeOptions options, string folder, string cache)
    {
        options.Model.Path = folder;
        options.Model.CacheFolder = cache;
    }

    // In kilobytes, without what the collector has not come to yet.
    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
