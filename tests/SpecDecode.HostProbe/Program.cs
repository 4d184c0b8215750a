// An application that uses ONNX Runtime for itself before it loads a model. Prints the warnings, then the tokens.
// Arguments: checkpoint folder, cache folder, and "pool" or "no-pool" for how the application makes the environment,
// "ours" for an application that leaves it to the library and asks a second model for another pool, or "telemetry" for one that
// allows ONNX Runtime's telemetry. "limits" is a host: it prints what is logged, and how many threads the pool has.
// "catalog" is a host in which the model of a fourth argument comes and goes: it prints the memory with it and without.

using Microsoft.ML.OnnxRuntime;
using SpecDecode;
using SpecDecode.Generation;
using SpecDecode.HostProbe;

(string folder, string cache, string mode) = (args[0], args[1], args[2]);
if (mode == "limits")
{
    await LimitsProbe.RunAsync(folder, cache);
    return;
}

if (mode == "catalog")
{
    await CatalogProbe.RunAsync(folder, cache, args[3]);
    return;
}

if (mode == "pool")
{
    using OrtThreadingOptions threading = new() { GlobalIntraOpNumThreads = 2 };
    EnvironmentCreationOptions options = new() { logId = "host", threadOptions = threading };
    OrtEnv.CreateInstanceWithOptions(ref options);
}
else if (mode == "no-pool")
{
    _ = OrtEnv.Instance();
}

using TextModel model = TextModel.Load(folder, new ModelOptions { CacheFolder = cache }, new RuntimeOptions { Threads = 2, AllowRuntimeTelemetry = mode == "telemetry" });
foreach (string warning in model.Warnings)
{
    Console.WriteLine("warning: " + warning);
}

GenerationResult result = model.Generate(new GenerationRequest { Tokens = [1, 2, 3], MaxTokens = 16, IgnoreEndOfSequence = true });
Console.WriteLine("tokens: " + string.Join(',', result.Tokens));
if (mode == "ours")
{
    try
    {
        using TextModel other = TextModel.Load(folder, new ModelOptions { CacheFolder = cache }, new RuntimeOptions { Threads = 1 });
    }
    catch (SpecDecodeException error)
    {
        Console.WriteLine("error: " + error.Message);
    }
}
