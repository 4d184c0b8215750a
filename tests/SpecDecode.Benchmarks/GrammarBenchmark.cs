using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SpecDecode.Grammars;
using SpecDecode.Tokenizers;

namespace SpecDecode.Benchmarks;

/// <summary>
/// What structured output costs: compiling schemas, and the mask of each token of texts that are drawn from the masks; the first
/// text of a schema, and others when what the first one needed is known.
/// </summary>
internal static class GrammarBenchmark
{
    public static Command Command()
    {
        Option<string> schemas = new("--schemas") { Description = "A JSON file: a list of objects with 'name' and 'schema'.", Required = true };
        Option<string> tokenizer = new("--tokenizer") { Description = "A tokenizer.json or tokenizer.model.", Required = true };
        Option<int> size = new("--size") { Description = "How many tokens the vocabulary has; beyond the tokenizer's, pairs of its tokens. Default: the tokenizer's." };
        Option<int> texts = new("--texts") { Description = "How many texts of each schema.", DefaultValueFactory = _ => 8 };
        Command command = new("grammars", "Compiling schemas, and masks over a vocabulary.") { schemas, tokenizer, size, texts };
        command.SetAction(arguments =>
        {
            using var document = JsonDocument.Parse(File.ReadAllText(arguments.GetValue(schemas)!));
            (string Name, string Schema)[] sources =
                [.. document.RootElement.EnumerateArray().Select(item => (item.GetProperty("name").GetString()!, item.GetProperty("schema").GetRawText()))];
            var vocabulary = Vocabulary(TextTokenizer.Load(arguments.GetValue(tokenizer)!), arguments.GetValue(size));

            // The first grammar of a process loads code; it is not counted.
            Grammar.OfJsonSchema("""{"properties":{"a":{"type":["string","integer"],"pattern":"^a","minimum":3}}}""");
            Measure(sources, vocabulary, arguments.GetValue(texts));
        });
        return command;
    }

    private static void Measure((string Name, string Schema)[] sources, TokenVocabulary vocabulary, int texts)
    {
        List<double> compiling = [], first = [], again = [], forced = [];
        (double Milliseconds, string Name) slowest = default;
        foreach ((string name, string schema) in sources)
        {
            long start = Stopwatch.GetTimestamp();
            var grammar = Grammar.OfJsonSchema(schema);
            compiling.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            var tokens = grammar.For(vocabulary);
            for (int seed = 0; seed < texts; seed++)
            {
                double most = Walk(tokens, new Random(seed), seed == 0 ? first : null, forced);
                if (most > slowest.Milliseconds)
                {
                    slowest = (most, name);
                }
            }

            // The same texts again: all that they need is known.
            for (int seed = 0; seed < texts; seed++)
            {
                Walk(tokens, new Random(seed), again, forced);
            }
        }

        Console.WriteLine($"{sources.Length} schemas, {vocabulary.Size} tokens");
        Print("compiling, ms", compiling, 1);
        Print("masks of a schema's first text, µs", first, 1000);
        Print("masks that are known, µs", again, 1000);
        Print("forced tokens, µs", forced, 1000);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  slowest mask {slowest.Milliseconds:f1} ms ({slowest.Name})"));
    }

    private static double Walk(TokenGrammar grammar, Random random, List<double>? times, List<double> forced)
    {
        var matcher = grammar.CreateMatcher();
        ulong[] bits = new ulong[grammar.Vocabulary.MaskLength];
        int[] run = new int[64], allowed = new int[grammar.Vocabulary.Size];
        double most = 0;
        for (int i = 0; i < 200 && !matcher.IsEnded; i++)
        {
            long start = Stopwatch.GetTimestamp();
            matcher.Forced(run);
            double time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            forced.Add(time);
            start = Stopwatch.GetTimestamp();
            if (!matcher.FillMask(bits))
            {
                break;
            }

            time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            times?.Add(time);
            most = Math.Max(most, time);
            int count = 0;
            for (int token = 0; token < grammar.Vocabulary.Size; token++)
            {
                if ((bits[token >> 6] >> token & 1) != 0)
                {
                    allowed[count++] = token;
                }
            }

            matcher.TryAdvance(allowed[random.Next(count)]);
        }

        return most;
    }

    /// <summary>A vocabulary of a tokenizer's tokens and, up to a size, pairs of them; the last token ends the text.</summary>
    public static TokenVocabulary Vocabulary(TextTokenizer tokenizer, int size)
    {
        var known = TokenVocabulary.Of(tokenizer, tokenizer.VocabularySize, []);
        List<byte[]?> tokens = [.. Enumerable.Range(0, known.Size).Select(token => (byte[]?)known.BytesOf(token).ToArray())];
        Random random = new(1);
        while (tokens.Count < size - 1)
        {
            tokens.Add([.. known.BytesOf(random.Next(known.Size)), .. known.BytesOf(random.Next(known.Size))]);
        }

        tokens.Add(null);
        return new(tokens, [tokens.Count - 1]);
    }

    private static void Print(string name, List<double> times, double scale)
    {
        times.Sort();
        double At(double share) => times[(int)(share * (times.Count - 1))] * scale;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {name,-36} n {times.Count,6}  median {At(.5),9:f2}  mean {times.Average() * scale,9:f2}  99 % {At(.99),9:f2}  most {At(1),9:f2}"));
    }
}
