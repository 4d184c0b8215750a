using System.Globalization;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Reads a JSON number as Hugging Face tokenizers does: the digits as one integer of 64 bits, which is rounded to a double and then
/// multiplied or divided by a power of ten. That rounds twice, and the last bit may differ from the nearest double's: enough to
/// decide between ways of cutting a word that are the same pieces in another order, such as a run of one character.
/// </summary>
internal static class ScoreReader
{
    private const int MaxPower = 308;

    private static readonly double[] Powers =
        [.. Enumerable.Range(0, MaxPower + 1).Select(power => double.Parse($"1e{power}", NumberStyles.Float, CultureInfo.InvariantCulture))];

    /// <summary>The number; infinity where it is too large for a double.</summary>
    /// <param name="number">A number in JSON's notation.</param>
    public static double Read(ReadOnlySpan<byte> number)
    {
        bool negative = number[0] == '-';
        ulong digits = 0;
        long exponent = 0;
        bool point = false, full = false;
        int at = negative ? 1 : 0;
        for (; at < number.Length && number[at] is (>= (byte)'0' and <= (byte)'9') or (byte)'.'; at++)
        {
            if (number[at] == '.')
            {
                // What did not fit before the point may fit behind it.
                (point, full) = (true, false);
                continue;
            }
            uint digit = number[at] - (uint)'0';
            full |= digits > (ulong.MaxValue - digit) / 10;
            if (!full)
                digits = digits * 10 + digit;
            exponent += (full, point) switch { (false, true) => -1, (true, false) => 1, _ => 0 };
        }
        if (at < number.Length)
            exponent += Exponent(number[(at + 1)..]);
        double value = Scale(digits, exponent);
        return negative ? -value : value;
    }

    private static double Scale(double value, long exponent)
    {
        for (; exponent < -MaxPower && value != 0; exponent += MaxPower)
            value /= Powers[MaxPower];
        if (value == 0)
            return value;
        return exponent < 0 ? value / Powers[-exponent] : exponent <= MaxPower ? value * Powers[exponent] : double.PositiveInfinity;
    }

    // Beyond any that matters it stays what it is: everything is zero or infinite there.
    private static long Exponent(ReadOnlySpan<byte> digits)
    {
        const long TooLarge = int.MaxValue;
        bool negative = digits[0] == '-';
        long exponent = 0;
        foreach (byte digit in digits[0] is (byte)'-' or (byte)'+' ? digits[1..] : digits)
            exponent = Math.Min(exponent * 10 + digit - '0', TooLarge);
        return negative ? -exponent : exponent;
    }
}
