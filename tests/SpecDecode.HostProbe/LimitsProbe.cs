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
        CountThreads(folder, cache);
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
    }

    // The pool's threads have the name of the one that made them; the one that calls is one of them.
    private static void CountThreads(string folder, string cache)
    {
        const string Name = "caller of pool", Pool = "SpecDecode pool";
        Thread maker = new(() =>
        {
            using TextModel model = TextModel.Load(folder, new ModelOptions { CacheFolder = cache });
            int count = OperatingSystem.IsLinux()
                ? Directory.GetDirectories("/proc/self/task").Count(task => File.ReadAllText(Path.Combine(task, "comm")).Trim() is Name or Pool)
                : 0;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pool: {count}"));
        }) { Name = Name };
        maker.Start();
        maker.Join();
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
