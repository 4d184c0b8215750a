using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.HostProbe;

/// <summary>A host with a model, and what it has taken of the machine.</summary>
internal static class LimitsProbe
{
    public static async Task RunAsync(string folder, string cache)
    {
        ServiceCollection services = new();
        services.AddLogging(logging => logging.AddProvider(new ConsoleLog()));
        services.AddSpecDecode(options =>
        {
            options.Model.Path = folder;
            options.Model.CacheFolder = cache;
        });
        await using ServiceProvider provider = services.BuildServiceProvider();
        foreach (IHostedService service in provider.GetServices<IHostedService>())
        {
            await service.StartAsync(CancellationToken.None);
        }

        await provider.GetRequiredService<ITextGenerator>().CompleteAsync(new GenerationRequest { Tokens = [1, 2, 3], MaxTokens = 16 });
        string[] names = OperatingSystem.IsLinux()
            ? [.. Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(Path.Combine(task, "comm")).Trim())]
            : [];
        Console.WriteLine(string.Join(", ", names));

        // The thread that calls is one of the pool's.
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pool: {1 + names.Count(name => name.Contains("intra", StringComparison.OrdinalIgnoreCase))}"));
    }

    private sealed class ConsoleLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{eventId.Id}: {formatter(state, exception)}"));

        public void Dispose()
        {
        }
    }
}
