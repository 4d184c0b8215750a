using System.Text.Json;
using SpecDecode.Grammars.Expressions;

namespace SpecDecode.Grammars.Json;

/// <summary>The kinds of JSON values.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    String = 8,
    Array = 16,
    Object = 32,
    All = 63,
}

/// <summary>What one schema says of an object's members.</summary>
/// <param name="Properties">Those that it lists, in its order.</param>
/// <param name="Patterns">Those whose names match an expression.</param>
/// <param name="Others">The rest; null where it says nothing of them.</param>
internal sealed record ObjectClause(
    IReadOnlyList<(string Name, SchemaPlace Schema)> Properties, IReadOnlyList<(CharacterAutomaton Names, SchemaPlace Schema)> Patterns, SchemaPlace? Others)
{
    /// <summary>The schemas of a member by its name.</summary>
    public IEnumerable<SchemaPlace> Of(string name)
    {
        bool listed = false;
        foreach (var (_, schema) in Properties.Where(property => property.Name == name))
        {
            listed = true;
            yield return schema;
        }
        foreach (var (_, schema) in Patterns.Where(pattern => pattern.Names.Accepts(name)))
        {
            listed = true;
            yield return schema;
        }
        if (!listed && Others is not null)
            yield return Others;
    }
}

/// <summary>What one schema says of an array's items.</summary>
/// <param name="Prefix">The first ones.</param>
/// <param name="Rest">The others; null where it says nothing of them.</param>
internal sealed record ArrayClause(IReadOnlyList<SchemaPlace> Prefix, SchemaPlace? Rest)
{
    /// <summary>The schemas of an item by its place.</summary>
    public IEnumerable<SchemaPlace> Of(int index)
    {
        if (index < Prefix.Count)
            yield return Prefix[index];
        else if (Rest is not null)
            yield return Rest;
    }
}

/// <summary>
/// What schemas that hold at once say of a value, without choices between schemas: a schema is a list of these, any one of which
/// may hold. What is said of one kind of value counts for that kind alone.
/// </summary>
internal sealed record SchemaShape
{
    /// <summary>Anything.</summary>
    public static SchemaShape Any { get; } = new();

    public JsonTypes Types { get; init; } = JsonTypes.All;

    /// <summary>Whether numbers must be whole.</summary>
    public bool IsWhole { get; init; }

    /// <summary>The values of <c>enum</c> or <c>const</c>; null for any.</summary>
    public IReadOnlyList<JsonElement>? Values { get; init; }

    /// <summary>Values that it must not be.</summary>
    public IReadOnlyList<JsonElement> Excluded { get; init; } = [];

    public NumberBound? Low { get; init; }

    public NumberBound? High { get; init; }

    public IReadOnlyList<DecimalNumber> Factors { get; init; } = [];

    /// <summary>The fewest characters of a text.</summary>
    public int MinLength { get; init; }

    /// <summary>The most characters; null for any number.</summary>
    public int? MaxLength { get; init; }

    /// <summary>What a text must match: patterns, and formats by name.</summary>
    public IReadOnlyList<TextPattern> Patterns { get; init; } = [];

    public int MinItems { get; init; }

    public int? MaxItems { get; init; }

    public IReadOnlyList<ArrayClause> Arrays { get; init; } = [];

    public int MinProperties { get; init; }

    public int? MaxProperties { get; init; }

    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>Members that there must not be.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = [];

    public IReadOnlyList<ObjectClause> Objects { get; init; } = [];

    /// <summary>Whether there may be no members but those that are listed, here or by what holds at once.</summary>
    public bool IsSealed { get; init; }

    /// <summary>Whether there may be no items but those that are spoken of.</summary>
    public bool HasSealedItems { get; init; }

    /// <summary>Schemas of the members' names.</summary>
    public IReadOnlyList<SchemaPlace> Names { get; init; } = [];

    /// <summary>The schemas of an item by its place.</summary>
    public IReadOnlyList<SchemaPlace> ItemAt(int index) => [.. Arrays.SelectMany(clause => clause.Of(index))];

    /// <summary>The schemas of a member by its name.</summary>
    public IReadOnlyList<SchemaPlace> Member(string name) => [.. Objects.SelectMany(clause => clause.Of(name))];

    /// <summary>The names of members that are listed, in their order.</summary>
    public IEnumerable<string> Listed => Objects.SelectMany(clause => clause.Properties).Select(property => property.Name).Distinct();

    /// <summary>How many items there may be at most; null for any number.</summary>
    public int? MostItems => HasSealedItems && !Arrays.Any(clause => clause.Rest is not null)
        ? Math.Min(MaxItems ?? int.MaxValue, Arrays.Select(clause => clause.Prefix.Count).DefaultIfEmpty(0).Max())
        : MaxItems;

    /// <summary>The numbers that it allows.</summary>
    public NumberRange Range => new(IsWhole, Low, High, Factors);
}

/// <summary>What a text must match.</summary>
/// <param name="Place">Where the schema says so.</param>
/// <param name="Make">Makes the expression, each character spelled as it is told.</param>
internal sealed record TextPattern(SchemaPlace Place, Func<Func<Tokenizers.Patterns.CodePointSet, Expression>, Expression> Make)
{
    private CharacterAutomaton? _automaton;

    /// <summary>The same as an automaton.</summary>
    public CharacterAutomaton Automaton => _automaton ??= CharacterAutomaton.Of(Make(Expression.Characters));
}
