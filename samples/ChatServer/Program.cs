using System.Net.Sockets;
using ChatServer;
using Microsoft.Extensions.Options;
using Service;
using SpecDecode;
using SpecDecode.AspNetCore;
using SpecDecode.Hosting;

try
{
    string folder = ProjectFolder.Find();
    WebApplicationBuilder builder = WebApplication.CreateBuilder(
        new WebApplicationOptions { Args = args, ContentRootPath = folder, WebRootPath = Path.Combine(folder, "wwwroot") });
    builder.AddSpecDecode();
    builder.AddSpecDecodeEndpoints();
    builder.AddTelemetry();
    builder.Services.AddSingleton<DraftingWatch>();
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);

    await using WebApplication app = builder.Build();
    app.Services.GetRequiredService<DraftingWatch>();
    app.Use(PageHeaders.AddAsync);
    app.UseDefaultFiles();
    app.UseStaticFiles();
    app.MapSpecDecode();
    app.MapSpecDecodeHealth();
    app.MapGet("/status", StatusEndpoint.Handle).RequireSpecDecodeKey();
    app.MapTelemetry();
    await app.RunAsync();
    return 0;
}
catch (Exception error) when (error is OptionsValidationException or SpecDecodeException or InvalidOperationException
    or InvalidDataException or ArgumentException or FormatException or IOException or UnauthorizedAccessException or SocketException)
{
    // Wrong options, a model that cannot be loaded, a file that is no JSON (the innermost error knows the line), an address that is none
    // or is taken: said in a sentence.
    Console.Error.WriteLine(error is InvalidDataException ? $"{error.Message} {error.GetBaseException().Message}" : error.Message);
    return 1;
}
