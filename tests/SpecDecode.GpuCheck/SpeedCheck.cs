using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.GpuCheck;

/// <summary>Tokens per second: plain, by early exit, on a copy in int4; one text, and eight at a time, in every way to run. Each in turn, medians.</summary>
internal static class SpeedCheck
{
    private const int Turns = 3;

    public static void Run(Subject subject, string folder, int tokens, Report report)
    {
        report.Section($"Speed: {Path.GetFileName(folder)}");
        report.Line($"Tokens per second of all texts together, medians of {Turns} turns of {tokens} tokens; end of sequence ignored.");
        report.Line("");
        report.Line("| run in | texts | plain | early exit | of plain | accepted | int4 copy | of plain | accepted |");
        report.Line("|---|---|---|---|---|---|---|---|---|");
        foreach (Setup setup in Setup.On(subject.Provider))
        {
            using TextModel model = subject.Load(folder, setup);
            using TextModel copy = subject.Load(folder, setup, draft: Precision.Int4);
            DraftingOptions exit = DraftingOptions.EarlyExit(Math.Max(1, model.LayerCount / 6)) with { DraftLength = 4, Threshold = 0.5f };
            DraftingOptions whole = DraftingOptions.EarlyExit(model.LayerCount) with { DraftLength = 4 };
            foreach (int texts in (int[])[1, Prompts.All.Count])
            {
                Measured plain = new();
                Measured early = new();
                Measured quantised = new();
                for (int turn = 0; turn <= Turns; turn++)
                {
                    // The first turn warms up.
                    plain.Add(turn, model, texts, tokens, DraftingOptions.None);
                    early.Add(turn, model, texts, tokens, exit);
                    quantised.Add(turn, copy, texts, tokens, whole);
                }

                report.Line(
                    $"| {setup} | {texts} | {plain.Speed:f1} | {early.Speed:f1} | {early.Speed / plain.Speed:f2} | {early.Acceptance:p0} | {quantised.Speed:f1} | {quantised.Speed / plain.Speed:f2} | {quantised.Acceptance:p0} |");
            }
        }
    }

    private sealed class Measured
    {
        private readonly List<double> _speeds = [];
        private long _drafted;
        private long _accepted;

        public double Speed => _speeds.Order().ElementAt(_speeds.Count / 2);

        public double Acceptance => _drafted == 0 ? 0 : (double)_accepted / _drafted;

        public void Add(int turn, TextModel model, int texts, int tokens, DraftingOptions drafting)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<GenerationResult> results = model.Generate(
                [.. Prompts.All.Take(texts).Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = tokens, IgnoreEndOfSequence = true, Drafting = drafting })]);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (turn > 0)
            {
                _speeds.Add(results.Sum(result => result.Tokens.Count) / seconds);
                _drafted += results.Sum(result => result.Drafting.Drafted);
                _accepted += results.Sum(result => result.Drafting.Accepted);
            }
        }
    }
}
