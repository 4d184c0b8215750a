using System.Globalization;
using System.Numerics;
using SpecDecode.Grammars.Expressions;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars.Json;

/// <summary>Which numbers may be written, and how.</summary>
internal sealed record NumberRange(bool IsWhole, NumberBound? Low, NumberBound? High, IReadOnlyList<DecimalNumber> Factors)
{
    /// <summary>Whether any number of a kind may be written.</summary>
    public bool IsFree => Low is null && High is null && Factors.Count == 0;

    /// <summary>Whether a number is in it.</summary>
    public bool Contains(DecimalNumber number) =>
        (!IsWhole || number.Fraction.Length == 0)
        && (Low is null || number.CompareTo(Low.Value) is var low && (low > 0 || (low == 0 && !Low.IsExclusive)))
        && (High is null || number.CompareTo(High.Value) is var high && (high < 0 || (high == 0 && !High.IsExclusive)))
        && Factors.All(factor => IsMultiple(number, factor));

    /// <summary>A whole number without its point, for <paramref name="places"/> digits behind it.</summary>
    public static BigInteger Scaled(DecimalNumber number, int places) =>
        BigInteger.Parse("0" + number.Whole + number.Fraction.PadRight(places, '0'), CultureInfo.InvariantCulture);

    private static bool IsMultiple(DecimalNumber number, DecimalNumber factor)
    {
        int places = Math.Max(number.Fraction.Length, factor.Fraction.Length);
        return Scaled(number, places) % Scaled(factor, places) == 0;
    }
}

/// <summary>Numbers within bounds, as automata over their digits.</summary>
internal static class NumberTexts
{
    // The most that a factor may be, without its point: an automaton has a state for each remainder.
    private const int MaxFactor = 2000;

    private static readonly Expression Digit = Expression.Characters(CodePointSet.Range('0', '9'));
    private static readonly Expression FirstDigit = Expression.Characters(CodePointSet.Range('1', '9'));

    /// <summary>The numbers of a range.</summary>
    /// <exception cref="GrammarException">A factor cannot be honoured.</exception>
    public static Expression Of(NumberRange range, JsonGrammarOptions options)
    {
        if (range.IsFree)
            return Free(range.IsWhole, options);
        var factor = Factor(range.Factors);
        var (low, high) = (range.Low, range.High);

        // Numbers from zero on, and the negative ones by their magnitude.
        var positive = high is { Value.IsNegative: true }
            ? Expression.Never
            : Magnitudes(low is { Value.IsNegative: false } ? low : null, high, range.IsWhole, factor, options);
        var negative = low is { Value.IsNegative: false }
            ? Expression.Never
            : Magnitudes(
                high is { Value.IsNegative: true } ? Negated(high) : new NumberBound(DecimalNumber.Zero, IsExclusive: true),
                Negated(low), range.IsWhole, factor, options);
        return Expression.Choice(positive, negative == Expression.Never ? negative : Expression.Sequence(Expression.Text("-"), negative));
    }

    private static NumberBound? Negated(NumberBound? bound) => bound is null ? null : bound with { Value = bound.Value.Negated };

    private static Expression Free(bool isWhole, JsonGrammarOptions options)
    {
        var more = Expression.Repeat(Digit, 0, options.MaxIntegerDigits - 1);
        var positive = Expression.Sequence(FirstDigit, more);
        if (isWhole)
            return Expression.Choice(Expression.Text("0"), Expression.Sequence(Expression.Optional(Expression.Text("-")), positive));
        var number = Expression.Sequence(
            Expression.Optional(Expression.Text("-")),
            Expression.Choice(Expression.Text("0"), positive),
            Expression.Optional(Expression.Sequence(Expression.Text("."), Expression.Repeat(Digit, 1, options.MaxFractionDigits))));
        return options.AllowExponents
            ? Expression.Sequence(number, Expression.Optional(Expression.Sequence(
                Expression.Characters(CodePointSet.Of('e', 'E')), Expression.Optional(Expression.Characters(CodePointSet.Of('+', '-'))),
                Expression.Repeat(Digit, 1, 2))))
            : number;
    }

    // One number of which all must be multiples; null for none. Its digits without the point, and how many of them are behind it.
    private static (int Value, int Places)? Factor(IReadOnlyList<DecimalNumber> factors)
    {
        if (factors.Count == 0)
            return null;
        int places = factors.Max(factor => factor.Fraction.Length);
        var common = BigInteger.One;
        foreach (var factor in factors)
        {
            var value = NumberRange.Scaled(factor, places);
            common = common / BigInteger.GreatestCommonDivisor(common, value) * value;
        }
        // Zeros at the end without fractions are the factor's, not the places'.
        if (common > MaxFactor)
            throw new GrammarException($"'multipleOf' would need an automaton with {common} remainders, and at most {MaxFactor} are made; use a smaller factor, or one with fewer digits.");
        return ((int)common, places);
    }

    private static Expression Magnitudes(NumberBound? low, NumberBound? high, bool isWhole, (int Value, int Places)? factor, JsonGrammarOptions options)
    {
        int lowDigits = low?.Value.Whole.Length ?? 0;
        int whole = high is not null
            ? Math.Max(1, high.Value.Whole.Length)
            : Math.Max(options.MaxIntegerDigits, lowDigits + (lowDigits >= options.MaxIntegerDigits ? 1 : 0));
        int places = isWhole ? 0 : Math.Max(options.MaxFractionDigits, Math.Max(low?.Value.Fraction.Length ?? 0, high?.Value.Fraction.Length ?? 0) + 1);
        int modulus = factor?.Value ?? 1;
        int factorPlaces = factor?.Places ?? 0;
        if (factor is not null)
            places = Math.Min(places, factorPlaces);

        var automaton = CharacterAutomaton.Explore(new State(Phase.Begin, 0, 0, 0, 0), Next, Accepts);
        return automaton.IsEmpty ? Expression.Never : new AutomatonExpression(automaton, Expression.Characters);

        IEnumerable<(char, State)> Next(State state)
        {
            if (state.Phase is Phase.Whole or Phase.Zero && places > 0)
                yield return ('.', state with { Phase = Phase.Point, Digits = 0, Low = Compare(state, low, state.Low), High = Compare(state, high, state.High) });
            bool inWhole = state.Phase is Phase.Begin or Phase.Whole;
            if (state.Phase == Phase.Zero || state.Digits >= (inWhole ? whole : places))
                yield break;
            for (char digit = '0'; digit <= '9'; digit++)
            {
                var phase = inWhole ? state.Phase == Phase.Begin && digit == '0' ? Phase.Zero : Phase.Whole : Phase.Fraction;
                yield return (digit, new State(
                    phase, phase == Phase.Zero ? 0 : state.Digits + 1,
                    Compare(state.Low, digit, low, inWhole, state.Digits), Compare(state.High, digit, high, inWhole, state.Digits),
                    ((state.Remainder * 10) + digit - '0') % modulus));
            }
        }

        bool Accepts(State state)
        {
            if (state.Phase is Phase.Begin or Phase.Point)
                return false;
            bool inFraction = state.Phase == Phase.Fraction;
            int lowOrder = AtEnd(state, low, inFraction ? state.Low : Compare(state, low, state.Low), inFraction ? state.Digits : 0);
            int highOrder = AtEnd(state, high, inFraction ? state.High : Compare(state, high, state.High), inFraction ? state.Digits : 0);
            // The digits that are missing are zeros.
            int rest = Math.Max(0, factorPlaces - (inFraction ? state.Digits : 0));
            return (low is null || lowOrder > 0 || (lowOrder == 0 && !low.IsExclusive))
                && (high is null || highOrder < 0 || (highOrder == 0 && !high.IsExclusive))
                && state.Remainder * BigInteger.Pow(10, rest) % modulus == 0;
        }
    }

    // How the digits so far compare with as many of a bound's.
    private static int Compare(int order, char digit, NumberBound? bound, bool inWhole, int at)
    {
        if (order != 0 || bound is null)
            return order;
        string digits = inWhole ? bound.Value.Whole : bound.Value.Fraction;
        if (inWhole && at >= digits.Length)
            return 0;
        return Math.Sign(digit - (at < digits.Length ? digits[at] : '0'));
    }

    // How the whole part compares with a bound's: the longer one is more.
    private static int Compare(State state, NumberBound? bound, int order)
    {
        if (bound is null)
            return 0;
        int length = state.Digits.CompareTo(bound.Value.Whole.Length);
        return length != 0 ? length : bound.Value.Whole.Length == 0 ? 0 : order;
    }

    private static int AtEnd(State state, NumberBound? bound, int order, int places) =>
        order == 0 && bound is not null && bound.Value.Fraction.Length > places ? -1 : order;

    private enum Phase
    {
        Begin,
        Zero,
        Whole,
        Point,
        Fraction,
    }

    private readonly record struct State(Phase Phase, int Digits, int Low, int High, int Remainder);
}
