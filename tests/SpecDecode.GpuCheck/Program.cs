using SpecDecode;
using SpecDecode.GpuCheck;

// gpu-check --data FOLDER --report FILE [--provider cuda|cpu] [--device N] [--model FOLDER] [--tokens N]
Dictionary<string, string> words = [];
for (int i = 0; i < args.Length; i += 2)
{
    if (args[i] is not ("--data" or "--report" or "--provider" or "--device" or "--model" or "--tokens") || i + 1 == args.Length)
    {
        Console.Error.WriteLine($"gpu-check: '{args[i]}' is no option with a value: give --data, --report, --provider, --device, --model or --tokens.");
        return 2;
    }

    words[args[i]] = args[i + 1];
}

if (!words.TryGetValue("--data", out string? data) || !words.TryGetValue("--report", out string? file))
{
    Console.Error.WriteLine("gpu-check: give --data, the folder with fixtures and models, and --report, the file to write.");
    return 2;
}

if (!int.TryParse(words.GetValueOrDefault("--device", "0"), out int device) || !int.TryParse(words.GetValueOrDefault("--tokens", "128"), out int tokens) || tokens < 2)
{
    Console.Error.WriteLine("gpu-check: --device and --tokens are whole numbers, --tokens 2 or more.");
    return 2;
}

string provider = words.GetValueOrDefault("--provider", "cuda");
Report report = new(file);
Subject subject = new(provider, device, Path.Combine(data, "cache"));
try
{
    report.Begin(subject);
    string story = Path.Combine(data, "models", "tales-10m");

    // Whether there is a device at all; whatever it says is the end.
    subject.Load(story, new Setup(ComputePrecision.Fp32)).Dispose();
    FixtureCheck.Run(subject, Path.Combine(data, "fixtures"), report);
    LosslessCheck.Run(subject, story, report);
    if (provider != "cpu")
    {
        LimitCheck.Run(subject, story, report);
    }

    SpeedCheck.Run(subject, story, tokens, report);
    if (words.TryGetValue("--model", out string? model))
    {
        SpeedCheck.Run(subject, model, tokens, report);
    }
}
catch (SpecDecodeException error)
{
    report.End(error.Message);
    Console.Error.WriteLine($"gpu-check: {error.Message} The report is {report.Path}.");
    return 1;
}

report.End(null);
Console.WriteLine($"{report.Failures} checks failed; the report is {report.Path}.");
return report.Failures == 0 ? 0 : 1;
