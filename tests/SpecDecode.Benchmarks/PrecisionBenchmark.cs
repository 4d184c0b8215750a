using System.CommandLine;
using System.Globalization;
using System.Numerics.Tensors;
using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Benchmarks;

/// <summary>
/// For each precision and kernel setting: how far a row's logits move with the rows beside it, how often drafting changes a
/// greedy text, and what a pass costs.
/// </summary>
internal static class PrecisionBenchmark
{
    private static readonly int[] RowCounts = [1, 2, 3, 5, 9];

    private static readonly (string Name, ModelOptions Options)[] Settings =
    [
        ("fp32", new()),
        ("int8", new() { Precision = Precision.Int8 }),
        ("int8, blocks of 128", new() { Precision = Precision.Int8, BlockSize = 128 }),
        ("int8, fp32 rows", new() { Precision = Precision.Int8, Activations = ActivationPrecision.Fp32 }),
        ("int4", new() { Precision = Precision.Int4 }),
        ("int4, int4 head", new() { Precision = Precision.Int4, HeadPrecision = Precision.Int4 }),
        ("int4, blocks of 64", new() { Precision = Precision.Int4, BlockSize = 64 }),
        ("int4, blocks of 128", new() { Precision = Precision.Int4, BlockSize = 128 }),
        ("int4, fp32 rows", new() { Precision = Precision.Int4, Activations = ActivationPrecision.Fp32 }),
    ];

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line." };
        Option<string?> cacheFolder = new("--cache-folder") { Description = "Folder for prepared weights." };
        Option<int> tokens = new("--tokens") { DefaultValueFactory = _ => 96, Description = "New tokens for each prompt." };
        Option<int> exit = new("--exit-layer") { DefaultValueFactory = _ => 2, Description = "Where the drafter leaves." };
        Option<string?> only = new("--only") { Description = "Only settings whose names begin so." };
        Command command = new("precisions", "Row independence, texts that part, and speed by precision.") { model, prompts, cacheFolder, tokens, exit, only };
        command.SetAction(arguments =>
        {
            string[] texts = [.. File.ReadLines(arguments.GetValue(prompts)!).Where(line => line.Length > 0)];
            foreach ((string name, ModelOptions options) in Settings)
            {
                if (name.StartsWith(arguments.GetValue(only) ?? "", StringComparison.Ordinal))
                {
                    options.CacheFolder = arguments.GetValue(cacheFolder);
                    Run(name, arguments.GetValue(model)!, options, texts, arguments.GetValue(tokens), arguments.GetValue(exit));
                }
            }
        });
        return command;
    }

    private static void Run(string name, string folder, ModelOptions options, string[] texts, int tokens, int exitLayer)
    {
        int parted = 0;
        int written = 0;
        List<float> margins = [];
        List<int[]> sequences = [];
        List<double> costs = [];
        using (TextModel model = TextModel.Load(folder, options))
        {
            DraftingOptions draft = DraftingOptions.Of(LayerPlan.EarlyExit(model.LayerCount, exitLayer)) with { DraftLength = 4 };
            foreach (string text in texts)
            {
                int[] prompt = model.Tokenizer!.Encode(text);
                GenerationRequest request = new() { Tokens = prompt, MaxTokens = tokens, IgnoreEndOfSequence = true, Drafting = DraftingOptions.None };
                IReadOnlyList<int> plain = model.Generate(request).Tokens;
                IReadOnlyList<int> drafted = model.Generate(request with { Drafting = draft }).Tokens;
                sequences.Add([.. prompt, .. plain]);
                int same = plain.Zip(drafted).TakeWhile(pair => pair.First == pair.Second).Count();
                written += Math.Min(same + 1, tokens);
                if (same < tokens)
                {
                    parted++;
                    IReadOnlyList<float> logits = model.Evaluate([.. prompt, .. plain.Take(same)]).LastLogits;
                    margins.Add(Math.Abs(logits[plain[same]] - logits[drafted[same]]));
                }
            }

            costs.AddRange(RowCounts.Select(rows => model.TimePass(LayerPlan.Full(model.LayerCount), rows, past: 128, repetitions: 41).TotalMilliseconds));
        }

        (float moved, int flips, int rowsCompared) = Rows(folder, options, sequences);
        string largest = margins.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", margins up to {margins.Max():e1}");
        Print($"{name,-22} moved {moved:e1}, {flips} of {rowsCompared} rows choose otherwise; {parted} of {texts.Length} texts parted in {written} tokens{largest}; ms for {string.Join('/', RowCounts)} rows: {string.Join(" ", costs.Select(cost => cost.ToString("f2", CultureInfo.InvariantCulture)))}");
    }

    // Every position's logits from passes of one row, against those from passes of 2 to 9.
    private static (float Moved, int Flips, int Rows) Rows(string folder, ModelOptions options, List<int[]> sequences)
    {
        using LoadedModel model = ModelLoader.Load(folder, options, new RuntimeOptions(), _ => { }, null, default);
        float moved = 0;
        int flips = 0;
        int compared = 0;
        foreach (int[] sequence in sequences)
        {
            List<float[]> alone = Logits(model.Stages, sequence, 1);
            foreach (int rows in (int[])[2, 3, 5, 9])
            {
                foreach ((float[] one, float[] among) in alone.Zip(Logits(model.Stages, sequence, rows)))
                {
                    compared++;
                    flips += TensorPrimitives.IndexOfMax<float>(one) == TensorPrimitives.IndexOfMax<float>(among) ? 0 : 1;
                    TensorPrimitives.Subtract(among, one, among);
                    moved = Math.Max(moved, Math.Abs(TensorPrimitives.MaxMagnitude<float>(among)));
                }
            }
        }

        return (moved, flips, compared);
    }

    private static List<float[]> Logits(IStages stages, int[] sequence, int rows)
    {
        using KvCache cache = new(stages.Pages, sequence.Length);
        cache.Hold(sequence.Length);
        RowBatch batch = new(stages.MaxRows);
        LayerPlan plan = LayerPlan.Full(stages.LayerCount);
        List<float[]> logits = [];
        for (int position = 0; position < sequence.Length; position += rows)
        {
            int count = Math.Min(rows, sequence.Length - position);
            batch.Clear();
            batch.Add(cache, position, sequence.AsSpan(position, count));
            stages.Embed(batch);
            Pass.Run(stages, plan.Blocks.AsSpan(), batch);
            Span<float> scored = stages.Head([.. Enumerable.Range(0, count)]);
            for (int i = 0; i < count; i++)
            {
                logits.Add(scored.Slice(i * stages.VocabularySize, stages.VocabularySize).ToArray());
            }
        }

        return logits;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
