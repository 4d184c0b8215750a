using System.CommandLine;
using System.Globalization;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Grammars;
using SpecDecode.Sampling;

namespace SpecDecode.Benchmarks;

/// <summary>A schema with long fixed keys, with forced runs and without, and what masks take of the time; by turns within one run.</summary>
internal static class ForcedRunBenchmark
{
    private static readonly string Schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" + string.Join(',', Enumerable.Range(1, 8).Select(i =>
        $"\"a_rather_long_property_name_of_report_{i}\":{(i % 2 == 0 ? "{\"type\":\"boolean\"}" : "{\"enum\":[\"good\",\"bad\"]}")}"))
        + "},\"required\":[" + string.Join(',', Enumerable.Range(1, 8).Select(i => $"\"a_rather_long_property_name_of_report_{i}\"")) + "]}";

    public static Command Command()
    {
        Option<string> model = new("--model") { Description = "A model's folder.", Required = true };
        Option<int> exit = new("--exit-layer") { Description = "The drafter's exit layer.", DefaultValueFactory = _ => 2 };
        Option<int> texts = new("--texts") { Description = "Texts of each kind.", DefaultValueFactory = _ => 10 };
        Command command = new("forced-runs", "A schema with long keys, with forced runs and without.") { model, exit, texts };
        command.SetAction(arguments =>
        {
            using TextModel loaded = TextModel.Load(arguments.GetValue(model)!, new ModelOptions(), new RuntimeOptions());
            Measure(loaded, DraftingOptions.EarlyExit(arguments.GetValue(exit)), arguments.GetValue(texts));
        });
        return command;
    }

    private static void Measure(TextModel model, DraftingOptions drafting, int texts)
    {
        Grammar grammar = Grammar.OfJsonSchema(Schema);
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 400, Sampling = new SamplingOptions(), Drafting = drafting };
        Way[] ways =
        [
            new("plain", request with { Constraints = [new Watched(new GrammarConstraint(grammar), forces: false)], Drafting = DraftingOptions.None }),
            new("drafted, without forced runs", request with { Constraints = [new Watched(new GrammarConstraint(grammar), forces: false)] }),
            new("drafted, with forced runs", request with { Constraints = [new Watched(new GrammarConstraint(grammar), forces: true)] }),
        ];
        for (int text = -1; text < texts; text++)
        {
            foreach (Way way in ways)
            {
                way.Run(model, counts: text >= 0);
            }
        }

        foreach (Way way in ways)
        {
            Console.WriteLine(way.ToString());
        }
    }

    private sealed class Way(string name, GenerationRequest request)
    {
        private long _tokens, _forced;
        private double _seconds, _masks;

        public void Run(TextModel model, bool counts)
        {
            Watched watched = (Watched)request.Constraints[0];
            watched.Seconds = 0;
            GenerationResult result = model.Generate(request);
            if (counts)
            {
                _tokens += result.Tokens.Count;
                _forced += result.Drafting.Forced;
                _seconds += result.DecodeTime.TotalSeconds;
                _masks += watched.Seconds;
            }
        }

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{name,-32} {_tokens / _seconds,8:f1} tokens/s  {_tokens} tokens, {_forced} forced; masks {_masks / _seconds:p1} of the time");
    }

    private sealed class Watched(ITokenConstraint inner, bool forces) : ITokenConstraint
    {
        public double Seconds { get; set; }

        public ITokenConstraintState Begin(TokenConstraintContext context) => new State(this, inner.Begin(context), forces);
    }

    private sealed class State(Watched watched, ITokenConstraintState inner, bool forces) : ITokenConstraintState
    {
        public void Advance(int token) => inner.Advance(token);

        public void Rollback(int count) => inner.Rollback(count);

        public void Process(Span<float> logits)
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            inner.Process(logits);
            watched.Seconds += System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        public bool Allows(int token) => inner.Allows(token);

        public int Forced(Span<int> tokens) => forces ? inner.Forced(tokens) : 0;
    }
}
