using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SpecDecode.Families;
using SpecDecode.Generation;
using SpecDecode.Weights;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Loading a checkpoint for the first time against loading it from its prepared weights, and that against reading all weights and
/// comparing them with their hashes, in turns.
/// </summary>
internal static class LoadBenchmark
{
    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<int> repeat = new("--repeat") { DefaultValueFactory = _ => 5, Description = "Turns of each." };
        Option<Precision> precision = new("--precision") { Description = "Fp32, Int8 or Int4." };
        Command command = new("load", "The first load against one from prepared weights, with and without reading them all.") { model, repeat, precision };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, arguments.GetValue(repeat), arguments.GetValue(precision)));
        return command;
    }

    private static void Run(string folder, int repeat, Precision precision)
    {
        string cache = Path.Combine(Path.GetTempPath(), "specdecode-load-" + Guid.NewGuid().ToString("n"));
        List<double> ratios = [];
        List<double> verifiedRatios = [];
        List<double> openedRatios = [];
        try
        {
            // The first load of a process also loads code; it is not counted.
            Load(folder, cache, precision);
            for (int turn = 0; turn < repeat; turn++)
            {
                Directory.Delete(cache, recursive: true);
                double first = Load(folder, cache, precision);
                double prepared = Load(folder, cache, precision);
                double verified = Load(folder, cache, precision, verifies: true);
                double opened = OpenWeights(folder, cache, precision, verifies: false);
                double openedVerified = OpenWeights(folder, cache, precision, verifies: true);
                ratios.Add(first / prepared);
                verifiedRatios.Add(verified / prepared);
                openedRatios.Add(openedVerified / opened);
                Print($"turn {turn + 1}: first {first:f3} s, prepared {prepared:f3} s, ratio {first / prepared:f2}; verified {verified:f3} s, ratio {verified / prepared:f2}; weights alone {opened * 1000:f1} ms, verified {openedVerified * 1000:f1} ms, ratio {openedVerified / opened:f1}");
            }
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }

        Print($"median ratio {Median(ratios):f2}, verified {Median(verifiedRatios):f2}, of the weights alone {Median(openedRatios):f1}; peak memory {PeakMegabytes()} MB");
    }

    // Opening the folder, describing the model and finding its prepared weights.
    private static double OpenWeights(string folder, string cache, Precision precision, bool verifies)
    {
        long start = Stopwatch.GetTimestamp();
        using ModelFolder model = ModelFolder.Open(folder, new ModelOptions { CacheFolder = cache, Precision = precision, VerifyWeights = verifies });
        using PreparedWeights weights = model.OpenWeights(ModelFamilies.Describe(model.Checkpoint), progress: null, CancellationToken.None);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private static double Load(string folder, string cache, Precision precision, bool verifies = false)
    {
        long start = Stopwatch.GetTimestamp();
        using TextModel model = TextModel.Load(folder, new ModelOptions { CacheFolder = cache, Precision = precision, VerifyWeights = verifies });
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static long PeakMegabytes()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 >> 20;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
