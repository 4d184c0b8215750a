using System.Globalization;

namespace SpecDecode.Grammars.Json;

/// <summary>A number of any size as digits, as JSON writes it: nothing is rounded.</summary>
/// <param name="IsNegative">Whether it is below zero.</param>
/// <param name="Whole">The digits before the point, without leading zeros; empty for zero.</param>
/// <param name="Fraction">The digits behind the point, without zeros at the end.</param>
internal sealed record DecimalNumber(bool IsNegative, string Whole, string Fraction) : IComparable<DecimalNumber>
{
    private const int MaxDigits = 400;

    public static DecimalNumber Zero { get; } = new(false, "", "");

    public bool IsZero => Whole.Length == 0 && Fraction.Length == 0;

    /// <summary>The same without its sign.</summary>
    public DecimalNumber Magnitude => this with { IsNegative = false };

    /// <summary>The number with the other sign.</summary>
    public DecimalNumber Negated => this with { IsNegative = !IsNegative && !IsZero };

    /// <summary>A whole number.</summary>
    public static DecimalNumber Of(long value) => Read(value.ToString(CultureInfo.InvariantCulture))!;

    /// <summary>Reads a number of JSON; null for one with more than 400 digits.</summary>
    public static DecimalNumber? Read(string text)
    {
        bool negative = text.StartsWith('-');
        text = negative ? text[1..] : text;
        int e = text.AsSpan().IndexOfAny('e', 'E');
        int exponent = 0;
        if (e >= 0 && !int.TryParse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            return null;
        string[] parts = (e >= 0 ? text[..e] : text).Split('.');
        string whole = parts[0], fraction = parts.Length > 1 ? parts[1] : "";
        if (whole.Length + fraction.Length > MaxDigits || Math.Abs((long)exponent) > MaxDigits)
            return null;
        string digits = whole + fraction;
        int point = whole.Length + exponent;
        if (point < 0)
            (digits, point) = (new string('0', -point) + digits, 0);
        else if (point > digits.Length)
            digits = digits.PadRight(point, '0');
        whole = digits[..point].TrimStart('0');
        fraction = digits[point..].TrimEnd('0');
        return whole.Length > MaxDigits || fraction.Length > MaxDigits ? null : new(negative && (whole.Length > 0 || fraction.Length > 0), whole, fraction);
    }

    public int CompareTo(DecimalNumber? other)
    {
        if (other is null)
            return 1;
        if (IsNegative != other.IsNegative)
            return IsNegative ? -1 : 1;
        int order = Whole.Length.CompareTo(other.Whole.Length);
        if (order == 0)
            order = string.CompareOrdinal(Whole, other.Whole);
        if (order == 0)
            order = string.CompareOrdinal(Fraction, other.Fraction);
        return IsNegative ? -order : order;
    }
}

/// <summary>The end of a range of numbers.</summary>
/// <param name="Value">Where it ends.</param>
/// <param name="IsExclusive">Whether the end is not in it.</param>
internal sealed record NumberBound(DecimalNumber Value, bool IsExclusive);
