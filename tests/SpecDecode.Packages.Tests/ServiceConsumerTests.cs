using System.Net;

namespace SpecDecode.Tests.Packages;

public sealed class ServiceConsumerTests(PackedFeed feed)
{
    private const string Program = """
        using OpenTelemetry.Metrics;
        using OpenTelemetry.Trace;
        using SpecDecode.Generation;
        using SpecDecode.Hosting;

        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.AddSpecDecode();
        builder.Services.AddHealthChecks().AddSpecDecode();
        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddSpecDecodeInstrumentation().AddPrometheusExporter())
            .WithTracing(tracing => tracing.AddSpecDecodeInstrumentation());
        WebApplication app = builder.Build();
        app.MapGet("/tell", async (string prompt, ITextGenerator generator, CancellationToken cancellationToken) =>
            (await generator.CompleteAsync(new GenerationRequest { Prompt = prompt }, cancellationToken)).Text);
        app.MapHealthChecks("/health");
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapPost("/stop", (IHostApplicationLifetime lifetime) => lifetime.StopApplication());
        app.Run();
        """;

    [Fact]
    public async Task A_web_service_answers_reports_its_health_and_its_metrics_and_stops()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        Consumer consumer = new(feed, "Server", "Microsoft.NET.Sdk.Web",
        [
            ("SpecDecode", Built.Version), ("SpecDecode.OpenTelemetry", Built.Version), ("Microsoft.ML.OnnxRuntime", Built.OnnxRuntimeVersion),
            ("OpenTelemetry.Extensions.Hosting", Built.OpenTelemetryVersion), ("OpenTelemetry.Exporter.Prometheus.AspNetCore", Built.OpenTelemetryVersion + "-beta.1"),
        ]);
        consumer.Write("Program.cs", Program);
        consumer.Write("appsettings.json", Page.Settings(feed));
        await consumer.BuildAsync();

        TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ChildProcess process = ChildProcess.Start(consumer.Folder, Listen(listening), "dotnet", consumer.Program, "--urls=http://127.0.0.1:0");
        Task<Run> end = process.WaitForExitAsync();
        if (await Task.WhenAny(end, listening.Task) == end)
        {
            Assert.Fail($"The service has not started: {await end}");
        }

        using HttpClient client = new() { BaseAddress = await listening.Task, Timeout = TimeSpan.FromMinutes(5) };
        Assert.StartsWith(
            ", there was a little girl named Lily.", await client.GetStringAsync("/tell?prompt=Once%20upon%20a%20time", cancellationToken), StringComparison.Ordinal);
        Assert.Equal("Healthy", await client.GetStringAsync("/health", cancellationToken));
        Assert.Matches(@"specdecode_output_tokens_total\{[^}]*\} [1-9]", await client.GetStringAsync("/metrics", cancellationToken));
        using HttpResponseMessage stopping = await client.PostAsync("/stop", null, cancellationToken);
        Assert.Equal(HttpStatusCode.OK, stopping.StatusCode);
        (await end).Succeeded();
    }

    private static Action<string> Listen(TaskCompletionSource<Uri> listening) => line =>
    {
        const string Words = "Now listening on: ";
        if (line.IndexOf(Words, StringComparison.Ordinal) is >= 0 and int start)
        {
            listening.TrySetResult(new Uri(line[(start + Words.Length)..].Trim()));
        }
    };
}
