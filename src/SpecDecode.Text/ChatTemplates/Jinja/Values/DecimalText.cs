using System.Globalization;
using System.Numerics;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>
/// The decimal digits of a finite, non-negative double, rounded exactly (ties to even on the binary value, as C's and
/// Python's formatting rounds).
/// </summary>
internal static class DecimalText
{
    /// <summary>With a number of decimals: <c>2.50</c>; without a point where there are none.</summary>
    public static string Fixed(double value, int decimals)
    {
        (BigInteger mantissa, int exponent) = Split(value);
        BigInteger scaled = RoundedQuotient(mantissa * BigInteger.Pow(10, decimals), exponent);
        string digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return decimals == 0 ? digits : $"{digits[..^decimals]}.{digits[^decimals..]}";
    }

    /// <summary>The first <paramref name="count"/> significant digits and the power of ten of the first.</summary>
    public static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
        {
            return (new string('0', count), 0);
        }

        (BigInteger mantissa, int exponent) = Split(value);
        int power = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            int scale = count - 1 - power;
            BigInteger rounded = scale >= 0
                ? RoundedQuotient(mantissa * BigInteger.Pow(10, scale), exponent)
                : RoundedQuotient(mantissa, exponent, BigInteger.Pow(10, -scale));
            string digits = rounded.ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
            {
                return (digits, power);
            }

            // The logarithm was off by one, or rounding carried into another digit.
            power += digits.Length > count ? 1 : -1;
        }
    }

    private static (BigInteger Mantissa, int Exponent) Split(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long fraction = bits & 0xF_FFFF_FFFF_FFFF;
        return exponent == 0 ? (fraction, -1074) : (fraction | (1L << 52), exponent - 1075);
    }

    private static BigInteger RoundedQuotient(BigInteger number, int exponent, BigInteger? divisor = null)
    {
        BigInteger numerator = exponent >= 0 ? number << exponent : number;
        BigInteger denominator = (divisor ?? BigInteger.One) << Math.Max(0, -exponent);
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        int half = (rest << 1).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
