using System.Text.Json;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Json;

/// <summary>Writes what a shape says of objects.</summary>
internal sealed class ObjectWriter(JsonTexts texts, SchemaReader reader, Func<IReadOnlyList<SchemaPlace>, Expression> value)
{
    private const int MaxPatterns = 6;

    /// <summary>The objects that fit a shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="places">The schemas that say so.</param>
    /// <exception cref="GrammarException">They cannot be honoured.</exception>
    public Expression Write(SchemaShape shape, IReadOnlyList<SchemaPlace> places)
    {
        if (shape.Required.Intersect(shape.Forbidden).Any() || (shape.IsSealed && shape.Required.Except(shape.Listed).Any()))
            return Expression.Never;
        var names = shape.Names.Count > 0 ? reader.Expand(shape.Names).Where(item => item.Types.HasFlag(JsonTypes.String)).ToList() : null;
        string[] listed = [.. shape.Listed.Union(shape.Required).Where(name => !shape.Forbidden.Contains(name) && IsName(names, name))];
        if (shape.Required.Except(listed).Any())
            return Expression.Never;
        (Expression Item, bool Required)[] members = [.. listed.Select(name => (Member(name, shape), shape.Required.Contains(name)))];
        var others = Others(shape, names, [.. listed, .. shape.Listed, .. shape.Forbidden], places);
        int min = shape.MinProperties, max = shape.MaxProperties ?? Expression.Unbounded;
        if (max >= 0 && (max < min || max < shape.Required.Count))
            return Expression.Never;
        if (min > Math.Max(1, shape.Required.Count) && others != Expression.Never)
        {
            // Names that nobody lists may come twice, so these must not count.
            if (members.Length < min)
                throw places[0].Error("has 'minProperties' for properties that it does not list, whose names could be equal; list as many properties, or require them.");
            others = Expression.Never;
        }
        Expression content = texts.Options.PropertyOrder == JsonPropertyOrder.AsGiven
            ? new OrderedExpression(members, texts.Comma, others, min, max)
            : AnyOrder(shape, members, others, places);
        return Expression.Sequence(Expression.Text("{"), texts.Space, content, texts.Space, Expression.Text("}"));
    }

    private AnyOrderExpression AnyOrder(SchemaShape shape, (Expression Item, bool Required)[] members, Expression others, IReadOnlyList<SchemaPlace> places)
    {
        if (members.Length > AnyOrderExpression.MaxItems)
            throw places[0].Error($"has {members.Length} properties, and at most {AnyOrderExpression.MaxItems} may come in any order; let them come as given.");
        if (shape.MinProperties > shape.Required.Count || (shape.MaxProperties < members.Length || (shape.MaxProperties is not null && others != Expression.Never)))
            throw places[0].Error("has 'minProperties' or 'maxProperties', which are not supported where properties may come in any order; let them come as given.");
        ulong required = 0;
        for (int i = 0; i < members.Length; i++)
            required |= members[i].Required ? 1UL << i : 0;
        return new AnyOrderExpression([.. members.Select(member => member.Item)], required, texts.Comma, others);
    }

    private Expression Member(string name, SchemaShape shape) =>
        Expression.Sequence(Expression.Text(JsonTexts.Quote(name)), texts.Colon, value(shape.Member(name)));

    // Members that are not listed: those whose names match patterns, and any others.
    private Expression Others(SchemaShape shape, List<SchemaShape>? names, string[] known, IReadOnlyList<SchemaPlace> places)
    {
        var patterns = shape.Objects.SelectMany(clause => clause.Patterns, (clause, pattern) => (Clause: clause, pattern.Names, pattern.Schema)).ToList();
        if (patterns.Count > MaxPatterns)
            throw places[0].Error($"has {patterns.Count} 'patternProperties', and at most {MaxPatterns} are supported.");
        bool excluded = shape.IsSealed || shape.Objects.Any(clause => clause.Others is { Value.ValueKind: JsonValueKind.False });
        bool asked = shape.Objects.Any(clause => clause.Others is not null) || texts.Options.AllowUnlistedProperties;
        bool isOpen = !excluded && (asked || (known.Length == 0 && patterns.Count == 0));
        if (isOpen && known.Length == 0 && patterns.Count == 0 && names is null)
            return Expression.Sequence(JsonTexts.AnyText, texts.Colon, value(shape.Member("")));
        if (!isOpen && patterns.Count == 0)
            return Expression.Never;
        try
        {
            var keys = Keys(names, known);
            var options = new List<Expression>();
            for (int mask = isOpen ? 0 : 1; mask < 1 << patterns.Count; mask++)
            {
                var matching = patterns.Where((_, i) => (mask >> i & 1) != 0).ToList();
                var automaton = patterns.Index().Aggregate(keys, (all, pattern) =>
                    all.Intersect((mask >> pattern.Index & 1) != 0 ? pattern.Item.Names : pattern.Item.Names.Invert()));
                if (automaton.IsEmpty)
                    continue;
                SchemaPlace[] schemas =
                [
                    .. matching.Select(pattern => pattern.Schema),
                    .. shape.Objects.Where(clause => clause.Others is not null && !matching.Exists(pattern => pattern.Clause == clause)).Select(clause => clause.Others!),
                ];
                options.Add(Expression.Sequence(JsonTexts.Quoted(new AutomatonExpression(automaton, JsonTexts.Spell)), texts.Colon, value(schemas)));
            }
            return Expression.Choice(options);
        }
        catch (GrammarException error)
        {
            throw places[0].Error($"cannot be honoured: {error.Message}");
        }
    }

    // The names that members may have which are not known.
    private static CharacterAutomaton Keys(List<SchemaShape>? names, string[] known)
    {
        var others = CharacterAutomaton.Of(Expression.Words(known)).Invert();
        if (names is null)
            return others;
        // Of several descriptions of names, each gives some; what none of them gives is what all leave out.
        return names
            .Select(shape => Texts(shape).Intersect(others))
            .Aggregate(CharacterAutomaton.Of(Expression.Never), static (all, next) => all.Invert().Intersect(next.Invert()).Invert());
    }

    private static CharacterAutomaton Texts(SchemaShape shape)
    {
        string[] excluded = [.. Strings(shape.Excluded)];
        var automaton = SchemaWriter.TextAutomaton(shape, excluded);
        return shape.Values is null ? automaton : automaton.Intersect(CharacterAutomaton.Of(Expression.Words(Strings(shape.Values))));
    }

    private static bool IsName(List<SchemaShape>? names, string name) => names is null || names.Exists(shape =>
        SchemaJudge.Fits(shape, name) && (shape.Values is null || Strings(shape.Values).Contains(name)) && !Strings(shape.Excluded).Contains(name));

    private static IEnumerable<string> Strings(IEnumerable<JsonElement> values) =>
        values.Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!);
}
