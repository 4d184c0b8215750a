using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using SpecDecode.Tests.Dashboards;
using SpecDecode.Tests.Diagnostics.Otlp;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>Takes what OpenTelemetry's own exporter sends by OTLP over HTTP, on this machine, and keeps it.</summary>
internal sealed class OtlpReceiver : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();
    private readonly Task _receiving;

    public OtlpReceiver()
    {
        Address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Prometheus.FreePort()}/"));
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _receiving = Receive();
    }

    public Uri Address { get; }

    /// <summary>The metrics that were sent last.</summary>
    public ScopeMetrics Metrics() => Assert.Single(ExportMetricsServiceRequest.Parser.ParseFrom(_received.Last(one => one.Path == "/v1/metrics").Body).ResourceMetrics)
        .ScopeMetrics.Single(scope => scope.Scope.Name == "SpecDecode");

    /// <summary>The spans of this library that were sent.</summary>
    public Span[] Spans() => [.. _received.Where(one => one.Path == "/v1/traces").SelectMany(one => ExportTraceServiceRequest.Parser.ParseFrom(one.Body).ResourceSpans)
        .SelectMany(resource => resource.ScopeSpans).Where(scope => scope.Scope.Name == "SpecDecode").SelectMany(scope => scope.Spans)];

    public void Dispose()
    {
        _listener.Stop();
        _receiving.Wait(TimeSpan.FromSeconds(10));
        ((IDisposable)_listener).Dispose();
    }

    private async Task Receive()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using MemoryStream body = new();
            await context.Request.InputStream.CopyToAsync(body);
            _received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray()));
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }
}
