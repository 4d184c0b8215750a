using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Json.Schema;
using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

/// <summary>Schemas, and texts that are walked by their masks.</summary>
internal static class JsonSchemaTexts
{
    // What brings a text to its end, in this order of preference.
    private static readonly byte[] Closing = "\"}]0,:"u8.ToArray();

    /// <summary>Schemas as services send them.</summary>
    public static IReadOnlyList<(string Name, string Schema)> Written { get; } = Read();

    /// <summary>Whether a text is valid, as the schema package says.</summary>
    public static bool Validates(JsonSchema schema, string text)
    {
        // The package counts what is seen as one letter as one character; the specification counts code points. Where these differ, it cannot tell.
        if (new StringInfo(text).LengthInTextElements != text.EnumerateRunes().Count())
            return JsonDocument.Parse(text) is not null;
        using var document = JsonDocument.Parse(text);
        return schema.Evaluate(document.RootElement, new EvaluationOptions { OutputFormat = OutputFormat.Flag, RequireFormatValidation = true }).IsValid;
    }

    /// <summary>The package's schema.</summary>
    public static JsonSchema Build(string schema) => JsonSchema.FromText(schema, new BuildOptions { SchemaRegistry = new SchemaRegistry(), Dialect = Dialect.Draft202012 });

    /// <summary>A text whose tokens are drawn from the masks; null where it does not end within a length.</summary>
    public static string? Walk(TokenGrammar grammar, Random random, int length = 300)
    {
        var vocabulary = grammar.Vocabulary;
        var matcher = grammar.CreateMatcher();
        var bits = new ulong[vocabulary.MaskLength];
        var text = new List<byte>();
        var allowed = new List<int>();
        for (int tokens = 0; tokens < 40 * length; tokens++)
        {
            Assert.True(matcher.FillMask(bits), $"Nothing may follow '{Encoding.UTF8.GetString([.. text])}'.");
            allowed.Clear();
            for (int token = 0; token < vocabulary.Size; token++)
            {
                if ((bits[token >> 6] >> token & 1) != 0)
                    allowed.Add(token);
            }
            int chosen = allowed[random.Next(allowed.Count)];
            if (matcher.MayEnd && (text.Count > length || random.Next(4) == 0))
                chosen = vocabulary.EndTokens[0];
            else if (text.Count > length || random.Next(8) == 0)
                chosen = allowed.Where(token => vocabulary.BytesOf(token).Length == 1 && Closing.Contains(vocabulary.BytesOf(token)[0]))
                    .OrderBy(token => Array.IndexOf(Closing, vocabulary.BytesOf(token)[0])).Cast<int?>().FirstOrDefault() ?? chosen;
            Assert.True(matcher.TryAdvance(chosen));
            if (matcher.IsEnded)
                return Encoding.UTF8.GetString([.. text]);
            text.AddRange(vocabulary.BytesOf(chosen));
        }
        return null;
    }

    private static List<(string, string)> Read([CallerFilePath] string thisFile = "")
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(thisFile)!, "Schemas.json")));
        return [.. document.RootElement.EnumerateArray().Select(item => (item.GetProperty("name").GetString()!, item.GetProperty("schema").GetRawText()))];
    }
}
