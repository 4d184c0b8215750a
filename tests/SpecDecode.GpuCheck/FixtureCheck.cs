using System.Globalization;
using System.Text.Json;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.GpuCheck;

/// <summary>Fixtures of all families against the reference: full depth, every exit and the skip set, in every element type, with attention on either side.</summary>
internal static class FixtureCheck
{
    public static void Run(Subject subject, string folder, Report report)
    {
        report.Section("Fixtures");
        report.Line("How far logits move from the reference, as a share of their spread (root mean squares): the largest over full depth, every exit and the skip set.");
        report.Line("");
        report.Line("| fixture | run in | moved | allowed | |");
        report.Line("|---|---|---|---|---|");
        foreach (string fixture in Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
        {
            foreach (Setup setup in Setup.On(subject.Provider).Where(setup => !setup.Graphs && !setup.Segments))
            {
                string name = $"| {Path.GetFileName(fixture)} | {setup}";
                double allowed = setup.Compute switch { ComputePrecision.Fp32 => 1e-4, ComputePrecision.Fp16 => 0.01, _ => 0.06 };
                try
                {
                    double moved = Moved(subject, fixture, setup);
                    report.Check($"{name} | {moved:e1} | {allowed:e1} | {(moved <= allowed ? "passed" : "**failed**")} |", moved <= allowed);
                }
                catch (SpecDecodeException error)
                {
                    report.Check($"{name} | | {allowed:e1} | **failed**: {error.Message} |", passed: false);
                }
            }
        }
    }

    private static double Moved(Subject subject, string fixture, Setup setup)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture, "expected.json")));
        JsonElement expected = document.RootElement;
        using TextModel model = subject.Load(fixture, setup);
        int[] tokens = Integers(expected.GetProperty("tokens"));
        JsonElement skip = expected.GetProperty("skip");
        return expected.GetProperty("exit_layer").EnumerateObject()
            .Select(exit => (exit.Value, LayerPlan.EarlyExit(model.LayerCount, int.Parse(exit.Name, CultureInfo.InvariantCulture))))
            .Append((expected, LayerPlan.Full(model.LayerCount)))
            .Append((skip, LayerPlan.LayerSkip(model.LayerCount, Integers(skip.GetProperty("attention")), Integers(skip.GetProperty("mlp")))))
            .Max(each => Share(each.Item1, model.Evaluate(tokens, each.Item2).LastLogits));
    }

    private static double Share(JsonElement expected, IReadOnlyList<float> found)
    {
        double[] wanted = [.. expected.GetProperty("logits_last").EnumerateArray().Select(logit => logit.GetDouble())];
        double mean = wanted.Average();
        return Math.Sqrt(wanted.Zip(found, (a, b) => (a - b) * (a - b)).Sum() / wanted.Sum(logit => (logit - mean) * (logit - mean)));
    }

    private static int[] Integers(JsonElement json) => [.. json.EnumerateArray().Select(number => number.GetInt32())];
}
