using System.Diagnostics.Metrics;
using SpecDecode.Tests.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Holds the loop's thread after its next step, until released.</summary>
internal sealed class Held : IDisposable
{
    private readonly ScriptedService.Hold _hold = new();
    private readonly MeterListener _listener;

    public Held(TestHost host) => _listener = host.OnStep(_hold.Wait);

    public Task Reached => _hold.Reached;

    public void Release() => _hold.Release();

    public void Dispose()
    {
        _hold.Release();
        _listener.Dispose();
    }
}
