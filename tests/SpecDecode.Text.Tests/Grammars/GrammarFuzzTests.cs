using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

/// <summary>Damaged, strange and hostile sources: a grammar or a sentence, in bounded time and memory. The times are those of what hangs, not of what is slow.</summary>
public sealed class GrammarFuzzTests
{
    private static readonly string[] Scraps =
    [
        "(", ")", "[", "]", "{", "}", "|", "*", "+", "?", "^", "$", "\\", "\\d", "\\p{L}", "{3}", "{1,99}", "{0,}", "{999999}", "::=", "root", "\n", "\"", "\"a\"", "#", "a", ".",
        "\\u0041", "\ud800", "é", "\U0001F600", ",", ":", "null", "true", "1e999", "-1", "0.5", "\"$ref\":\"#\",", "\"type\":", "\"object\"", "\"anyOf\":[", "\"allOf\":[{}],",
        "\"not\":{},", "\"minLength\":9,", "\"pattern\":\"a*\",", "\"items\":{},", "\"enum\":[1],", "\"properties\":{}", "\"$defs\":{}", "\0", "~1", "(?:", "(?=", "[^", "-",
    ];

    private static readonly string[] Expressions = ["[a-z]+(\\d{2,4}|x)*", "^(?:a|b)?[^\\n\"]{1,20}$", "(\\w+@\\w+)\\.com", "\\p{Lu}.*?[\\u4e00-\\u9fff]", "((a?){5}b){2,}"];

    private static readonly string[] Rules =
    [
        "root ::= expr\nexpr ::= expr \"+\" term | term\nterm ::= [0-9]+ | \"(\" expr \")\"\n",
        "root ::= \"{\" (pair (\",\" pair)*)? \"}\" # pairs\npair ::= name \":\" value\nname ::= [a-z]{1,8}\nvalue ::= name | root | \"\\x41\" ws\nws ::= \" \" ws | \"\"\n",
        "root ::= a{2,5} b\na ::= [^ab] | \"é\"\nb ::= root | \"z\"\n",
    ];

    private static readonly string[] Keywords =
    [
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "pattern", "format", "items", "prefixItems", "minItems", "maxItems",
        "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "anyOf", "oneOf", "allOf", "not", "$ref",
        "dependentRequired", "unevaluatedProperties", "unevaluatedItems", "title",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "-1", "7", "2.5", "1e30", "99999", "\"string\"", "\"object\"", "\"integer\"", "\"date\"", "\"^a+$\"", "\"#\"", "[]", "{}", "[1,\"a\",null]",
        "[\"a\",\"b\"]", "[{\"type\":\"string\"},{\"minimum\":3}]", "{\"a\":{\"type\":\"array\"},\"b\":true}", "{\"type\":[\"null\",\"number\"]}", "{\"^x\":{\"maxLength\":3}}", "{\"a\":[\"b\"]}",
    ];

    private const string Tree = "tree";

    // Of each kind: a part by default, all in long runs, or so many as SPECDECODE_TEST_GRAMMAR_FUZZ asks for.
    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_GRAMMAR_FUZZ"), CultureInfo.InvariantCulture, out int count) ? count : TestScale.Cases(7_000, 1_000_000);

    [Fact]
    public void A_mutated_expression_is_a_grammar_or_a_sentence() => Fuzz(Grammar.OfRegex, Expressions, 1);

    [Fact]
    public void Mutated_rules_are_a_grammar_or_a_sentence() => Fuzz(Grammar.OfGbnf, Rules, 2);

    [Fact]
    public void A_mutated_schema_is_a_grammar_or_a_sentence() => Fuzz(
        schema => Grammar.OfJsonSchema(schema), [.. JsonSchemaTexts.Written.Select(item => item.Schema).Where(schema => schema.Length < 700)], 3, Tree);

    [Theory]
    [InlineData("{\"a\": tr{LONG}}", "at line 1, byte 9: ")]
    [InlineData("{\n\"{LONG}\": 1,\n \"{LONG}\": 2}", ": ")]
    [InlineData("\u0001{LONG}", "at line 1, byte 1: ")]
    public void A_schema_that_is_no_json_is_refused_with_a_short_sentence_that_says_where(string schema, string where)
    {
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.OfJsonSchema(schema.Replace("{LONG}", string.Concat(Enumerable.Repeat("\u007fx", 3000)), StringComparison.Ordinal)));
        Assert.InRange(error.Message.Length, 10, 700);
        Assert.Contains(where, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_hostile_source_is_a_grammar_or_a_sentence(string name, string kind, string source)
    {
        Assert.NotEmpty(name);
        Check(kind switch { "regex" => Grammar.OfRegex, "gbnf" => Grammar.OfGbnf, _ => static schema => Grammar.OfJsonSchema(schema) }, source, new Random(1), steps: 8, seconds: 60);
    }

    public static TheoryData<string, string, string> Hostile()
    {
        string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
        string List(int count, Func<int, string> item) => string.Join(',', Enumerable.Range(0, count).Select(item));
        return new()
        {
            { "nested counts", "regex", "((((a{1,999}){1,999}){1,999}){1,999}){1,999}" },
            { "nested options", "regex", Repeat("(", 90) + "a" + Repeat("?)*", 90) },
            { "a window", "regex", "(.*a.{500}){3}" },
            { "many windows", "regex", string.Join('|', Enumerable.Range(0, 60).Select(i => $"(.|a)*{(char)('a' + (i % 26))}.{{{100 + i}}}")) },
            { "empty parts counted", "regex", "(a?b?c?){1000000}" },
            { "choices without end", "regex", "(a|a|aa|(a|aa)*)*b{1000000}" },
            { "anchors everywhere", "regex", Repeat("(^|a|$)", 40) },
            { "letters of all kinds", "regex", Repeat("[\\p{L}\\p{N}\\P{Lu}]", 3000) },
            { "the longest", "regex", Repeat("a|", 30000) },
            { "doubling rules", "gbnf", "root ::= a0\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"a{i} ::= a{i + 1} a{i + 1}\n")) + "a60 ::= \"x\" | \"\"" },
            { "ambiguous without end", "gbnf", "root ::= root root | root root root | \"a\" | \"\"" },
            { "left and right", "gbnf", "root ::= root \"a\" root | root root | \"a\"" },
            { "exponential stacks", "gbnf", "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\"" },
            { "a chain of rules", "gbnf", "root ::= r0\n" + string.Concat(Enumerable.Range(0, 9000).Select(i => $"r{i} ::= r{i + 1}\n")) + "r9000 ::= \"x\"" },
            { "too many rules", "gbnf", string.Concat(Enumerable.Range(0, 20000).Select(i => $"r{i} ::= \"x\"\n")) },
            { "deep groups", "gbnf", "root ::= " + Repeat("(", 20000) },
            { "deep schema", "schema", Repeat("{\"items\":", 250) + "{}" + Repeat("}", 250) },
            { "too deep a schema", "schema", Repeat("{\"items\":", 5000) + "{}" + Repeat("}", 5000) },
            { "choices of choices", "schema", "{\"allOf\":[" + List(20, _ => "{\"anyOf\":[{\"minLength\":1},{\"maxLength\":5},{\"type\":\"null\"}]}") + "]}" },
            { "one of many", "schema", "{\"oneOf\":[" + List(400, i => $"{{\"properties\":{{\"k\":{{\"const\":{i}}}}},\"required\":[\"k\"]}}") + "]}" },
            { "references to references", "schema", "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + List(3000, i => $"\"d{i}\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}") + ",\"d3000\":{}}}" },
            { "doubling references", "schema", "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + List(40, i => $"\"d{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}},{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}}") + ",\"d40\":{}}}" },
            { "a long name above many", "schema", "{\"properties\":{\"" + new string('n', 300_000) + "\":{\"enum\":[" + List(100_000, i => $"{i}") + "]}}}" },
            { "many properties", "schema", "{\"properties\":{" + List(4000, i => $"\"p{i}\":{{\"type\":\"string\"}}") + "},\"additionalProperties\":true}" },
            { "many values twice", "schema", "{\"enum\":[" + List(20_000, i => $"{i}") + "],\"allOf\":[{\"enum\":[" + List(20_000, i => $"{i + 1}") + "]}]}" },
            { "patterns at once", "schema", "{\"type\":\"string\",\"allOf\":[" + List(12, i => $"{{\"pattern\":\"{(char)('a' + i)}.{{9}}{(char)('b' + i)}\"}}") + "]}" },
            { "long digits", "schema", "{\"minimum\":1" + Repeat("0", 390) + ",\"maximum\":9" + Repeat("9", 395) + "}" },
            { "factors of long digits", "schema", "{\"multipleOf\":1999,\"minimum\":0,\"maximum\":9" + Repeat("9", 300) + "}" },
            { "lengths of lengths", "schema", "{\"items\":{\"items\":{\"items\":{\"type\":\"string\",\"maxLength\":1000000},\"maxItems\":1000000},\"maxItems\":1000000},\"maxItems\":1000000}" },
            { "names by many patterns", "schema", "{\"patternProperties\":{" + List(6, i => $"\"{(char)('a' + i)}.{{7}}x\":{{}}") + "},\"additionalProperties\":false}" },
            { "dependences", "schema", "{\"dependentRequired\":{" + List(30, i => $"\"p{i}\":[\"p{i + 1}\"]") + "}}" },
        };
    }

    private static void Fuzz(Func<string, Grammar> compile, string[] sources, int seed, string kind = "")
    {
        Random random = new(seed);
        int compiled = 0;
        for (int round = 0; round < Rounds; round++)
        {
            string source = sources[random.Next(sources.Length)];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(source.Length + 1), length = Math.Min(random.Next(12), source.Length - at);
                source = random.Next(kind == Tree ? 40 : 4) switch
                {
                    > 3 => MutateTree(source, random),
                    0 => source.Insert(at, Scraps[random.Next(Scraps.Length)]),
                    1 => source.Remove(at, length),
                    2 => source.Insert(random.Next(source.Length + 1), source.Substring(at, length)),
                    _ => source[..at] + Scraps[random.Next(Scraps.Length)] + source[(at + length)..],
                };
            }
            compiled += Check(compile, source, random, steps: 4, seconds: 60) ? 1 : 0;
        }

        // What is kept is bounded, however many there were and however large some of them.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true), 1, 2L << 30);
        Assert.InRange(compiled, Rounds / 20, Rounds);
    }

    // Gives an object of a schema another keyword, if the text is still a schema.
    private static string MutateTree(string source, Random random)
    {
        JsonNode? root;
        var objects = new List<JsonObject>();
        try
        {
            // A name that is there twice is found where the object is gone through.
            root = JsonNode.Parse(source);
            Collect(root);
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return source;
        }
        if (objects.Count > 0)
            objects[random.Next(objects.Count)][Keywords[random.Next(Keywords.Length)]] = JsonNode.Parse(Values[random.Next(Values.Length)]);
        return root?.ToJsonString() ?? source;

        void Collect(JsonNode? node)
        {
            if (node is JsonObject item)
                objects.Add(item);
            foreach (var child in node is JsonObject members ? members.Select(member => member.Value) : node as JsonArray ?? [])
                Collect(child);
        }
    }

    private static bool Check(Func<string, Grammar> compile, string source, Random random, int steps, int seconds)
    {
        string shown = source.Length > 300 ? source[..300] + "…" : source;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        bool good = true;
        try
        {
            var matcher = compile(source).For(Vocabulary).CreateMatcher();
            var bits = new ulong[Vocabulary.MaskLength];
            for (int i = 0; i < steps && matcher.FillMask(bits); i++)
            {
                int token;
                do
                    token = random.Next(Vocabulary.Size);
                while ((bits[token >> 6] >> token & 1) == 0);
                Assert.True(matcher.TryAdvance(token));
            }
        }
        catch (GrammarException error)
        {
            good = false;
            Assert.True(error.Message.Length is >= 10 and <= 700, $"{shown}: a sentence of {error.Message.Length} characters: {error.Message}");
        }
        catch (Exception error) when (error is not Xunit.Sdk.IAssertionException)
        {
            Assert.Fail($"{shown}: {error}");
        }
        Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < seconds, $"{shown} took {Stopwatch.GetElapsedTime(start)}.");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 6L << 30, $"{shown} took {(GC.GetAllocatedBytesForCurrentThread() - allocated) >> 20} MB.");
        return good;
    }

    private static readonly TokenVocabulary Vocabulary = GrammarTexts.Vocabulary("ab", "aa", "{\"", "\":", "true", "12", " ", "abcabc", "é", "]}");
}
