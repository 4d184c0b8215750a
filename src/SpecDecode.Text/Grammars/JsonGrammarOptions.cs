namespace SpecDecode.Grammars;

/// <summary>Where JSON may have white space.</summary>
public enum JsonWhiteSpace
{
    /// <summary>Nowhere: <c>{"a":1,"b":[1,2]}</c>.</summary>
    Compact,

    /// <summary>One space behind each comma and colon: <c>{"a": 1, "b": [1, 2]}</c>.</summary>
    Spaced,

    /// <summary>Around values, commas, colons and braces, up to 20 spaces, tabs and line breaks at each place.</summary>
    Free,
}

/// <summary>The order of an object's properties.</summary>
public enum JsonPropertyOrder
{
    /// <summary>As the schema lists them; others behind them.</summary>
    AsGiven,

    /// <summary>Any. A schema with more than 48 properties in one object is refused.</summary>
    Free,
}

/// <summary>How JSON is written where a schema leaves a choice. All that may be written is valid by the schema, whatever the options.</summary>
public sealed record JsonGrammarOptions
{
    /// <summary>Where there may be white space.</summary>
    /// <value>Default: <see cref="JsonWhiteSpace.Compact"/>.</value>
    public JsonWhiteSpace WhiteSpace { get; init; }

    /// <summary>The order of properties.</summary>
    /// <value>Default: <see cref="JsonPropertyOrder.AsGiven"/>.</value>
    public JsonPropertyOrder PropertyOrder { get; init; }

    /// <summary>
    /// Whether objects may have properties that their schema neither lists nor excludes, where it lists any. Where
    /// <c>additionalProperties</c> is true or a schema they may in any case.
    /// </summary>
    /// <value>Default: false.</value>
    public bool AllowUnlistedProperties { get; init; }

    /// <summary>Whether numbers that need not be whole may have an exponent of at most two digits.</summary>
    /// <value>Default: false.</value>
    public bool AllowExponents { get; init; }

    /// <summary>The most digits before the point of a number without bounds; those of a bound of the schema count if they are more.</summary>
    /// <value>1 to 300. Default: 15, which a 64-bit floating-point number holds exactly.</value>
    public int MaxIntegerDigits { get; init; } = 15;

    /// <summary>The most digits behind the point.</summary>
    /// <value>1 to 300. Default: 15.</value>
    public int MaxFractionDigits { get; init; } = 15;

    internal void Check()
    {
        if (!Enum.IsDefined(WhiteSpace))
            throw new GrammarException($"{nameof(WhiteSpace)} is {(int)WhiteSpace}, which is no kind of white space; use one of {string.Join(", ", Enum.GetNames<JsonWhiteSpace>())}.");
        if (!Enum.IsDefined(PropertyOrder))
            throw new GrammarException($"{nameof(PropertyOrder)} is {(int)PropertyOrder}, which is no order; use one of {string.Join(", ", Enum.GetNames<JsonPropertyOrder>())}.");
        if (MaxIntegerDigits is < 1 or > 300)
            throw new GrammarException($"{nameof(MaxIntegerDigits)} is {MaxIntegerDigits}; use 1 to 300.");
        if (MaxFractionDigits is < 1 or > 300)
            throw new GrammarException($"{nameof(MaxFractionDigits)} is {MaxFractionDigits}; use 1 to 300.");
    }
}
