using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Generation;

namespace SpecDecode.Benchmarks;

/// <summary>Loading a checkpoint for the first time against loading it from its prepared weights, in turns.</summary>
internal static class LoadBenchmark
{
    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Option<Precision> precision = new("--precision") { Description = "Fp32, Int8 or Int4." };
        Command command = new("load", "The first load against a load from prepared weights.") { model, repeat, precision };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, arguments.GetValue(repeat), arguments.GetValue(precision)));
        return command;
    }

    private static void Run(string folder, int repeat, Precision precision)
    {
        string cache = Path.Combine(Path.GetTempPath(), "specdecode-load-" + Guid.NewGuid().ToString("n"));
        List<double> ratios = [];
        try
        {
            // The first load of a process also loads code; it is not counted.
            Load(folder, cache, precision);
            for (int turn = 0; turn < repeat; turn++)
            {
                Directory.Delete(cache, recursive: true);
                double first = Load(folder, cache, precision);
                double prepared = Load(folder, cache, precision);
                ratios.Add(first / prepared);
                Print($"turn {turn + 1}: first {first:f3} s, prepared {prepared:f3} s, ratio {first / prepared:f2}");
            }
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }

        ratios.Sort();
        Print($"median ratio {ratios[ratios.Count / 2]:f2}; peak memory {PeakMegabytes()} MB");
    }

    private static double Load(string folder, string cache, Precision precision)
    {
        long start = Stopwatch.GetTimestamp();
        using TextModel model = TextModel.Load(folder, new ModelOptions { CacheFolder = cache, Precision = precision });
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static long PeakMegabytes()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 >> 20;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
