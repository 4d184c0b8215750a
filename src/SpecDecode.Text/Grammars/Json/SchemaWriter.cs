using System.Globalization;
using System.Text.Json;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Json;

/// <summary>Writes a JSON schema as rules: one for each set of schemas that hold for a value at once.</summary>
internal sealed class SchemaWriter
{
    private const int MaxRules = 20_000;
    private const int MaxPrefix = 500;

    // A text with patterns and a length is written as an automaton with a state for each length.
    private const int MaxCountedLength = 1000;

    private readonly JsonTexts _texts;
    private readonly SchemaReader _reader;
    private readonly ObjectWriter _objects;
    private readonly List<Expression> _rules = [Expression.Never];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly Queue<(int Rule, IReadOnlyList<SchemaPlace> Places)> _waiting = [];

    private SchemaWriter(SchemaDocument document, JsonGrammarOptions options)
    {
        _texts = new(options);
        _reader = new(document, options.AllowUnlistedProperties);
        _objects = new(_texts, _reader, Value);
    }

    /// <summary>Writes a schema.</summary>
    /// <returns>The rules; the first one is the whole text.</returns>
    /// <exception cref="GrammarException">It cannot be honoured.</exception>
    public static IReadOnlyList<Expression> Write(SchemaDocument document, JsonGrammarOptions options)
    {
        var writer = new SchemaWriter(document, options);
        return writer.Finish(writer.Value([document.Root]));
    }

    /// <summary>Writes the choices of a schema's <c>anyOf</c>, each behind what stands before it.</summary>
    /// <param name="document">The schema.</param>
    /// <param name="before">What stands before each.</param>
    /// <param name="options">How JSON is written.</param>
    /// <exception cref="GrammarException">One cannot be honoured.</exception>
    public static IReadOnlyList<Expression> WriteChoices(SchemaDocument document, IReadOnlyList<Expression> before, JsonGrammarOptions options)
    {
        var writer = new SchemaWriter(document, options);
        return writer.Finish(Expression.Choice([.. before.Select((prefix, i) =>
            Expression.Sequence(prefix, writer.Value([document.Resolve(string.Create(CultureInfo.InvariantCulture, $"#/anyOf/{i}"), document.Root)])))]));
    }

    private List<Expression> Finish(Expression whole)
    {
        _rules[0] = whole;
        while (_waiting.TryDequeue(out var next))
            _rules[next.Rule] = Expression.Choice([.. _reader.Expand(next.Places).Select(shape => Write(shape, next.Places))]);
        return _rules;
    }

    /// <summary>What fits some schemas at once.</summary>
    private Expression Value(IReadOnlyList<SchemaPlace> places)
    {
        SchemaPlace[] needed =
            [.. places.Select(_reader.Follow).Where(place => !SchemaReader.IsFree(place)).Distinct().OrderBy(place => place.Number)];
        string key = string.Join(',', needed.Select(place => place.Number));
        if (needed is [{ Value.ValueKind: JsonValueKind.False }])
            return Expression.Never;
        if (needed.Length == 0)
            key = "any";
        if (!_numbers.TryGetValue(key, out int number))
        {
            number = _rules.Count;
            if (number >= MaxRules)
                throw needed[0].Error($"is one of more than {MaxRules} combinations of schemas; make the schema smaller.");
            _numbers.Add(key, number);
            _rules.Add(Expression.Never);
            _waiting.Enqueue((number, needed));
        }
        return Expression.Call(number);
    }

    private Expression Write(SchemaShape shape, IReadOnlyList<SchemaPlace> places)
    {
        if (shape.Values is not null)
            return Expression.Choice([.. _reader.Judge.Values(shape).Select(_texts.Constant)]);
        if (shape.Excluded.Any(value => value.ValueKind is JsonValueKind.Number or JsonValueKind.Array or JsonValueKind.Object && (shape.Types & Kind(value)) != 0))
            throw places[0].Error("has 'not' with a number, a list or an object, which is not supported; exclude texts, true, false or null, or bound numbers.");
        var options = new List<Expression>();
        if (shape.Types.HasFlag(JsonTypes.Object))
            options.Add(_objects.Write(shape, places));
        if (shape.Types.HasFlag(JsonTypes.Array))
            options.Add(WriteArray(shape, places));
        if (shape.Types.HasFlag(JsonTypes.String))
            options.Add(WriteText(shape, places));
        if (shape.Types.HasFlag(JsonTypes.Number))
            options.Add(WriteNumber(shape, places));
        foreach (var (type, word) in (ReadOnlySpan<(JsonTypes, string)>)[(JsonTypes.Boolean, "true"), (JsonTypes.Boolean, "false"), (JsonTypes.Null, "null")])
        {
            if (shape.Types.HasFlag(type) && !shape.Excluded.Any(value => value.GetRawText() == word))
                options.Add(Expression.Text(word));
        }
        return Expression.Choice(options);
    }

    private Expression WriteNumber(SchemaShape shape, IReadOnlyList<SchemaPlace> places)
    {
        try
        {
            return NumberTexts.Of(shape.Range, _texts.Options);
        }
        catch (GrammarException error)
        {
            throw places[0].Error($"cannot be honoured: {error.Message}");
        }
    }

    private static Expression WriteText(SchemaShape shape, IReadOnlyList<SchemaPlace> places)
    {
        int max = shape.MaxLength ?? Expression.Unbounded;
        bool hasLength = shape.MinLength > 0 || max >= 0;
        string[] excluded = [.. shape.Excluded.Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!)];
        if (shape.Patterns.Count == 0 && excluded.Length == 0)
            return hasLength ? JsonTexts.Quoted(Expression.Repeat(JsonTexts.AnyCharacter, shape.MinLength, max)) : JsonTexts.AnyText;
        if (shape.Patterns is [var only] && excluded.Length == 0 && !hasLength)
            return JsonTexts.Quoted(only.Make(JsonTexts.Spell));
        try
        {
            var automaton = TextAutomaton(shape, excluded);
            return automaton.IsEmpty ? Expression.Never : JsonTexts.Quoted(new AutomatonExpression(automaton, JsonTexts.Spell));
        }
        catch (GrammarException error)
        {
            throw places[0].Error($"cannot be honoured: {error.Message}");
        }
    }

    /// <summary>The texts of a shape, as an automaton.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="excluded">Texts that are none of them.</param>
    public static CharacterAutomaton TextAutomaton(SchemaShape shape, IReadOnlyCollection<string> excluded)
    {
        var automaton = shape.Patterns.Select(pattern => pattern.Automaton).Aggregate(CharacterAutomaton.Any, static (all, next) => all.Intersect(next));
        if (shape.MinLength > 0 || shape.MaxLength is not null)
        {
            int? max = shape.MaxLength is { } most ? Math.Min(most, Math.Max(shape.MinLength, MaxCountedLength)) : null;
            automaton = automaton.Intersect(CharacterAutomaton.OfLength(shape.MinLength, max));
        }
        return excluded.Count > 0 ? automaton.Intersect(CharacterAutomaton.Of(Expression.Words(excluded)).Invert()) : automaton;
    }

    private Expression WriteArray(SchemaShape shape, IReadOnlyList<SchemaPlace> places)
    {
        int min = shape.MinItems, max = shape.MostItems ?? Expression.Unbounded;
        if (max >= 0 && max < min)
            return Expression.Never;
        int prefix = shape.Arrays.Select(clause => clause.Prefix.Count).DefaultIfEmpty(0).Max();
        if (max >= 0)
            prefix = Math.Min(prefix, max);
        if (prefix > MaxPrefix)
            throw places[0].Error($"has more than {MaxPrefix} 'prefixItems'.");
        var rest = Value(shape.ItemAt(prefix));
        Expression items;
        if (prefix == 0)
        {
            items = Expression.Repeat(rest, min, max, _texts.Comma);
        }
        else
        {
            // What may follow an item, from the last one backwards.
            items = Expression.Repeat(Expression.Sequence(_texts.Comma, rest), Math.Max(0, min - prefix), max < 0 ? max : max - prefix);
            for (int i = prefix - 1; i >= 0; i--)
            {
                items = Expression.Sequence(i > 0 ? _texts.Comma : Expression.Empty, Value(shape.ItemAt(i)), items);
                if (i >= min)
                    items = Expression.Optional(items);
            }
        }
        return Expression.Sequence(Expression.Text("["), _texts.Space, items, _texts.Space, Expression.Text("]"));
    }

    private static JsonTypes Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.Object => JsonTypes.Object,
        _ => JsonTypes.None,
    };
}
