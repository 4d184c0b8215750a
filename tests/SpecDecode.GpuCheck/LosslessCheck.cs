using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.GpuCheck;

/// <summary>Drafted texts against plain ones of the same engine, greedy and sampled, alone and eight at a time.</summary>
internal static class LosslessCheck
{
    private const int NewTokens = 64;

    public static void Run(Subject subject, string folder, Report report)
    {
        report.Section("Losslessness");
        report.Line("Drafted texts of the story model that are those of plain decoding, token for token: greedy, where only choices leave the device, and sampled with a seed, where rows of logits do. Where loading warns that a row depends on the rows beside it, texts may part at a near-tie.");
        report.Line("");
        report.Line("| run in | chosen | texts | the same | warnings at load |");
        report.Line("|---|---|---|---|---|");
        foreach (Setup setup in Setup.On(subject.Provider))
        {
            using TextModel model = subject.Load(folder, setup);
            DraftingOptions[] ways =
            [
                DraftingOptions.EarlyExit(2) with { DraftLength = 4, Threshold = 0.5f }, DraftingOptions.EarlyExit(6) with { DraftLength = 7 },
                DraftingOptions.LayerSkip([4, 6, 8], [3, 5, 7, 9]) with { DraftLength = 3 }, DraftingOptions.Of(LayerPlan.Of(model.LayerCount, [])) with { DraftLength = 2 },
            ];
            foreach (SamplingOptions sampling in (SamplingOptions[])[SamplingOptions.Greedy, new() { Temperature = 0.8f, Seed = 7 }])
            {
                (int same, int texts) = Compare(model, ways, sampling);
                string warnings = string.Join(" ", model.Warnings);
                report.Check($"| {setup} | {(sampling.Temperature == 0 ? "greedy" : "sampled")} | {texts} | {same} | {warnings} |", same == texts || warnings.Length > 0);
            }
        }
    }

    private static (int Same, int Texts) Compare(TextModel model, IReadOnlyList<DraftingOptions> ways, SamplingOptions sampling)
    {
        IReadOnlyList<IReadOnlyList<int>> plain = [.. Prompts.All.Select(prompt => model.Generate(Request(prompt, DraftingOptions.None, sampling)).Tokens)];
        int same = 0;
        int texts = 0;
        foreach (DraftingOptions way in ways)
        {
            IReadOnlyList<GenerationResult> together = model.Generate([.. Prompts.All.Select(prompt => Request(prompt, way, sampling))]);
            for (int i = 0; i < plain.Count; i++)
            {
                IReadOnlyList<int> alone = model.Generate(Request(Prompts.All[i], way, sampling)).Tokens;
                same += (plain[i].SequenceEqual(together[i].Tokens) ? 1 : 0) + (plain[i].SequenceEqual(alone) ? 1 : 0);
                texts += 2;
            }
        }

        return (same, texts);
    }

    private static GenerationRequest Request(string prompt, DraftingOptions drafting, SamplingOptions sampling) =>
        new() { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = drafting, Sampling = sampling };
}
