using System.Runtime.CompilerServices;
using SpecDecode.Grammars.Automata;
using SpecDecode.Grammars.Expressions;
using SpecDecode.Grammars.Json;

namespace SpecDecode.Grammars;

/// <summary>
/// What a text may be: a set of texts, as bytes of UTF-8, that is known for every beginning of a text which bytes may follow.
/// Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Compiling is bounded in time and memory. The last 64 grammars that were compiled are kept by their content, or fewer where they take more than 256 MB together, so that
/// compiling the same one again finds it.
/// </remarks>
public sealed class Grammar
{
    // What a value holds lives as long as its vocabulary does, so none holds the grammar: the two would keep each other.
    private readonly ConditionalWeakTable<TokenVocabulary, TokenGrammar> _bound = [];

    internal Grammar(RuleNetwork network, string name) => (Network, Name) = (network, name);

    /// <summary>What kind of source it is made of, and a hash of that source.</summary>
    internal string Name { get; }

    internal RuleNetwork Network { get; }

    /// <summary>How many bytes it takes, about, with what is remembered of it for vocabularies.</summary>
    internal long Bytes => Network.Bytes + _bound.Sum(pair => pair.Value.Bytes);

    /// <summary>Reads a regular expression, which the whole text must match.</summary>
    /// <param name="pattern">The expression, in ECMAScript's dialect without what looks around: see the page on structured output.</param>
    /// <exception cref="GrammarException">The expression is damaged, has a part that is not supported, or is too large.</exception>
    public static Grammar OfRegex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return GrammarCache.Shared.Get("regex", pattern, static text => [RegexParser.Parse(text).ToExpression(isSearch: false)]);
    }

    /// <summary>Makes a grammar of a choice of texts.</summary>
    /// <param name="choices">The texts; at least one.</param>
    /// <exception cref="GrammarException">There is no text, or there are too many.</exception>
    public static Grammar OfChoices(IEnumerable<string> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        string[] texts = [.. choices];
        if (texts.Length == 0)
            throw new GrammarException("There is nothing to choose from; name at least one text.");
        return GrammarCache.Shared.Get("choices", string.Concat(texts.Select(text => $"{text.Length}:{text}")), _ => [Expression.Words(texts)]);
    }

    /// <summary>Reads a grammar in GBNF, the notation of llama.cpp.</summary>
    /// <param name="text">The rules; the text is what <c>root</c> stands for.</param>
    /// <exception cref="GrammarException">The grammar is damaged or too large, or no text fits it.</exception>
    public static Grammar OfGbnf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return GrammarCache.Shared.Get("gbnf", text, GbnfParser.Parse);
    }

    /// <summary>Any JSON object.</summary>
    /// <param name="options">How it is written; null for the defaults.</param>
    /// <exception cref="GrammarException">An option is out of its range.</exception>
    public static Grammar OfJsonObject(JsonGrammarOptions? options = null) => OfJsonSchema("""{"type":"object"}""", options);

    /// <summary>Reads a JSON schema of draft 2020-12: the text is JSON that is valid by it.</summary>
    /// <param name="schema">The schema. What cannot be honoured is refused; the page on structured output says what that is.</param>
    /// <param name="options">How JSON is written; null for the defaults.</param>
    /// <exception cref="GrammarException">
    /// The schema is damaged, has a keyword that cannot be honoured, fits nothing, or is too large; or an option is out of its range.
    /// </exception>
    public static Grammar OfJsonSchema(string schema, JsonGrammarOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(schema);
        options ??= new();
        options.Check();
        return GrammarCache.Shared.Get($"json {options}", schema, text => SchemaWriter.Write(SchemaDocument.Read(text), options));
    }

    /// <summary>A name, what stands behind it, and JSON that is valid by the choice of a schema that the name has.</summary>
    /// <param name="names">The names, none of which is there twice.</param>
    /// <param name="kind">A text that tells headers apart.</param>
    /// <param name="header">What stands between a name and the JSON.</param>
    /// <param name="schema">A schema with a choice in <c>anyOf</c> for each name.</param>
    /// <param name="options">How JSON is written.</param>
    /// <exception cref="GrammarException">The schema is damaged or has what cannot be honoured.</exception>
    internal static Grammar OfNamedCalls(IReadOnlyList<string> names, string kind, Expression header, string schema, JsonGrammarOptions options) => GrammarCache.Shared.Get(
        $"calls {kind} {options}", string.Concat(names.Select(name => $"{name.Length}:{name}")) + schema,
        _ => SchemaWriter.WriteChoices(SchemaDocument.Read(schema), [.. names.Select(name => Expression.Sequence(Expression.Text(name), header))], options));

    /// <summary>The grammar over the tokens of a vocabulary. The same pair gives the same object while both are in use.</summary>
    /// <param name="vocabulary">The vocabulary.</param>
    public TokenGrammar For(TokenVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        return _bound.GetValue(vocabulary, key => new(this, key));
    }

    /// <summary>What kind of source it is made of, and a hash of that source: the same for the same one.</summary>
    public override string ToString() => Name;
}
