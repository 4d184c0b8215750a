using System.Net.Sockets;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Service;
using SpecDecode;
using SpecDecode.Hosting;

try
{
    WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = ProjectFolder.Find() });
    builder.AddSpecDecode();
    builder.Services.AddHealthChecks().AddSpecDecode();
    builder.Services.AddProblemDetails().AddExceptionHandler<RequestErrors>();
    builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    builder.AddTelemetry();

    await using WebApplication app = builder.Build();
    app.UseExceptionHandler();
    app.UseStatusCodePages();
    app.MapPost("/generate", GenerateEndpoint.HandleAsync);
    app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = check => check.Tags.Contains(SpecDecodeRegistration.LiveTag) });
    app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(SpecDecodeRegistration.ReadyTag) });
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
