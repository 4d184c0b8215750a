using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Grammars;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Tokenizers;

namespace SpecDecode.Benchmarks;

/// <summary>What share of a step grammars are: masks, and all that they do, beside the passes of a model; a schema's first texts, and those that find what they need known.</summary>
internal static class GrammarStepsBenchmark
{
    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> schemas = new("--schemas") { Required = true, Description = "A JSON file: a list of objects with 'name' and 'schema'." };
        Option<string?> tokenizer = new("--tokenizer") { Description = "A tokenizer.json for a model that has none; the rest of its vocabulary is pairs of these tokens." };
        Option<int> most = new("--most-schemas") { DefaultValueFactory = _ => 24, Description = "So many schemas, evenly from the file." };
        Option<int> tokens = new("--max-tokens") { DefaultValueFactory = _ => 40, Description = "New tokens of a text, at most." };
        Command command = new("grammar-steps", "The share of a step that grammars are.") { model, schemas, tokenizer, most, tokens };
        command.SetAction(arguments =>
        {
            using TextModel loaded = TextModel.Load(arguments.GetValue(model)!, null, new RuntimeOptions { Threads = 2 });
            TokenVocabulary? vocabulary = arguments.GetValue(tokenizer) is { } file ? GrammarBenchmark.Vocabulary(TextTokenizer.Load(file), loaded.VocabularySize) : null;
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(arguments.GetValue(schemas)!));
            string[] sources = [.. document.RootElement.EnumerateArray().Select(item => item.GetProperty("schema").GetRawText())];
            int count = Math.Min(arguments.GetValue(most), sources.Length);
            Run(loaded, vocabulary, [.. Enumerable.Range(0, count).Select(i => sources[i * sources.Length / count])], arguments.GetValue(tokens));
        });
        return command;
    }

    private static void Run(TextModel model, TokenVocabulary? vocabulary, string[] schemas, int maxTokens)
    {
        Print($"{model.VocabularySize} tokens, {schemas.Length} schemas, at most {maxTokens} new tokens a text; of the time of all steps, prompts of two tokens included");
        Print($"");
        Print($"| sequences | drafts | texts | steps | step, ms | masks | all that grammars do |");
        Print($"|---|---|---|---|---|---|---|");

        // Code is compiled, and the model's memory touched, before anything counts; by a schema that is not among these.
        Write(model, vocabulary, ["""{"type":"object","properties":{"warm":{"type":"array","items":{"type":["integer","string"]}}}}"""], maxTokens, drafts: true, seed: 0);
        bool isFirst = true;
        foreach ((int sequences, bool drafts) in ((int, bool)[])[(1, false), (1, true), (8, false), (8, true)])
        {
            // The first texts pay for what the grammars remember; the second ones are other texts of the same schemas.
            foreach (bool again in isFirst ? (bool[])[false, true] : [true])
            {
                Time time = new();
                foreach (string[] batch in schemas.Chunk(sequences))
                {
                    time.Add(Write(model, vocabulary, batch, maxTokens, drafts, seed: again ? 2 : 1));
                }

                Print($"| {sequences} | {(drafts ? "exit" : "none")} | {(again ? "further" : "first")} | {time.Steps} | {1e3 * time.All / time.Steps:f2} | {100 * time.Masks / time.All:f2} % | {100 * (time.Masks + time.Rest) / time.All:f2} % |");
            }

            isFirst = false;
        }
    }

    private static Time Write(TextModel model, TokenVocabulary? vocabulary, string[] schemas, int maxTokens, bool drafts, int seed)
    {
        Time time = new();
        List<StepRecord> steps = [];
        model.Generate(
            [.. schemas.Select((schema, i) => new GenerationRequest
            {
                Tokens = [1, 2 + i], MaxTokens = maxTokens, Constraints = [new Watched(Grammar.OfJsonSchema(schema), vocabulary, time)],
                StopTokens = vocabulary is null ? [] : [model.VocabularySize - 1],
                Drafting = drafts ? DraftingOptions.EarlyExit(Math.Max(1, model.LayerCount / 5)) with { DraftLength = 3 } : DraftingOptions.None,
                Sampling = new SamplingOptions { Temperature = 1, Seed = seed, ChoiceIndex = i },
            })],
            onToken: null, onStep: steps.Add, cancellationToken: default);
        time.Steps = steps.Count;
        time.All = steps.Sum(step => step.Time.TotalSeconds);
        return time;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    // Seconds.
    private sealed class Time
    {
        public int Steps { get; set; }

        public double All { get; set; }

        public double Masks { get; set; }

        public double Rest { get; set; }

        public void Add(Time other) => (Steps, All, Masks, Rest) = (Steps + other.Steps, All + other.All, Masks + other.Masks, Rest + other.Rest);
    }

    private sealed class Watched(Grammar grammar, TokenVocabulary? vocabulary, Time time) : ITokenConstraint
    {
        private readonly GrammarConstraint _own = new(grammar);

        public ITokenConstraintState Begin(TokenConstraintContext context) =>
            new State(vocabulary is null ? _own.Begin(context) : GrammarConstraint.Over(grammar.For(vocabulary)), time);
    }

    private sealed class State(ITokenConstraintState inner, Time time) : ITokenConstraintState
    {
        public void Advance(int token)
        {
            long start = Stopwatch.GetTimestamp();
            inner.Advance(token);
            Rest(start);
        }

        public void Rollback(int count)
        {
            long start = Stopwatch.GetTimestamp();
            inner.Rollback(count);
            Rest(start);
        }

        public void Process(Span<float> logits)
        {
            long start = Stopwatch.GetTimestamp();
            inner.Process(logits);
            time.Masks += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public bool Allows(int token)
        {
            long start = Stopwatch.GetTimestamp();
            bool allows = inner.Allows(token);
            Rest(start);
            return allows;
        }

        public int Forced(Span<int> tokens)
        {
            long start = Stopwatch.GetTimestamp();
            int count = inner.Forced(tokens);
            Rest(start);
            return count;
        }

        private void Rest(long start) => time.Rest += Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
