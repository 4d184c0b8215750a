using Microsoft.Extensions.DependencyInjection;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace SpecDecode.AspNetCore;

/// <summary>Ends the start of a server that listens beyond its own machine and asks nobody for a key.</summary>
internal sealed class ListenGuard(IServiceProvider services, IOptionsMonitor<SpecDecodeEndpointOptions> options) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>By now the server knows its addresses.</summary>
    /// <exception cref="InvalidOperationException">One of them is reached from other machines.</exception>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        SpecDecodeEndpointOptions current = options.CurrentValue;
        if (current.ApiKeys.Count == 0 && !current.AllowAnonymous
            && services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault(address => !IsLocal(address)) is { } open)
        {
            throw new InvalidOperationException(
                $"The server listens on {open}, where other machines reach it, and there are no API keys: give ApiKeys of {nameof(SpecDecodeEndpointOptions)}, listen on localhost, or set AllowAnonymous where something before it knows who asks.");
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool IsLocal(string address)
    {
        if (address.Contains("://unix:", StringComparison.OrdinalIgnoreCase) || address.Contains("://pipe:", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        string host = BindingAddress.Parse(address).Host.Trim('[', ']');
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out IPAddress? ip) && Guard.IsLoopback(ip));
    }
}
