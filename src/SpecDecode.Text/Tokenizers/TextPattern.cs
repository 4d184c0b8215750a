using SpecDecode.Checkpoints;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tokenizers;

/// <summary>A text or a regular expression that a tokenizer file looks for.</summary>
/// <remarks>
/// .NET's regular expressions are not used: they match UTF-16 units where Oniguruma, for which the files are written, matches
/// code points; they have no nested sets and another <c>\w</c>; and patterns of real files are quadratic with them.
/// </remarks>
internal sealed class TextPattern
{
    private readonly PatternProgram _program;

    private TextPattern(string source, PatternNode node) => _program = new PatternProgram(source, node);

    /// <summary>The words of GPT-2: contractions, letters, numbers and the rest, each with one space before, and white space.</summary>
    public static TextPattern Gpt2Words { get; } = Compile(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <summary>Compiles a regular expression that is part of the library.</summary>
    public static TextPattern Compile(string pattern) => new(pattern, PatternParser.Parse(pattern));

    /// <summary>One code point of a set.</summary>
    public static TextPattern One(CodePointSet set) => new("[...]", new SetNode(set));

    /// <summary>The longest stretch of one of two sets.</summary>
    public static TextPattern Runs(CodePointSet one, CodePointSet other) => new("[...]+|[...]+", new ChoiceNode(
        [new RepeatNode(new SetNode(one), 1, int.MaxValue, RepeatMode.Greedy), new RepeatNode(new SetNode(other), 1, int.MaxValue, RepeatMode.Greedy)]));

    /// <summary>Compiles a regular expression of a file.</summary>
    /// <param name="node">The expression in Oniguruma's dialect.</param>
    /// <exception cref="UnsupportedTokenizerException">It is damaged or not supported.</exception>
    public static TextPattern Create(JsonNode node)
    {
        var pattern = node.Text();
        try
        {
            return Compile(pattern);
        }
        catch (PatternException problem)
        {
            throw node.Unsupported($"is the regular expression '{CheckpointText.Shorten(pattern)}', which uses {problem.Message}", problem);
        }
    }

    /// <summary>Reads a pattern: <c>{"String": ...}</c>, taken literally, or <c>{"Regex": ...}</c>.</summary>
    public static TextPattern Read(JsonNode node)
    {
        if (node.TryGet("String") is not { } literal)
            return Create(node.Get("Regex"));
        var text = literal.Text();
        if (text.Length == 0)
            throw literal.Error("is empty");
        try
        {
            return new(text, PatternParser.Literal(text));
        }
        catch (PatternException problem)
        {
            throw literal.Unsupported($"has {problem.Message}", problem);
        }
    }

    /// <summary>Something that finds the pattern's matches; for one thread at a time.</summary>
    public PatternMatcher CreateMatcher() => new(_program);
}
