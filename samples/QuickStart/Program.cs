using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using QuickStart;
using SpecDecode;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Hosting;

try
{
    HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
    {
        Args = args, ContentRootPath = ProjectFolder.Find(),
    });
    builder.AddSpecDecode();
    using IHost host = builder.Build();
    await host.StartAsync();
    ITextGenerator generator = host.Services.GetRequiredService<ITextGenerator>();
    CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
    GenerationRequest request = new() { Prompt = "Once upon a time, there was a little bird who could not sing." };

    await Story.TellAsync(generator, request, stopping);

    // Told again without a reader, both ways in turn, so that whatever else the machine does meets both.
    List<GenerationResult> plain = [], speculative = [];
    for (int turn = 0; turn < 5; turn++)
    {
        plain.Add(await generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, stopping));
        speculative.Add(await generator.CompleteAsync(request, stopping));
    }

    Story.WriteTable(plain, speculative);
    await host.StopAsync();
    return 0;
}
catch (Exception error) when (error is OptionsValidationException or SpecDecodeException or InvalidOperationException)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
catch (InvalidDataException error)
{
    // appsettings.json is no JSON: the innermost error knows the line.
    Console.Error.WriteLine($"{error.Message} {error.GetBaseException().Message}");
    return 1;
}
catch (OperationCanceledException)
{
    Console.WriteLine();
    return 130;
}
