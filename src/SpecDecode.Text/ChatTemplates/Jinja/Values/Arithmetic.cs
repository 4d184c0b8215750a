using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Python's arithmetic on numbers.</summary>
internal static class Arithmetic
{
    /// <param name="op">The operator.</param>
    /// <param name="left">A number.</param>
    /// <param name="right">A number.</param>
    public static object Apply(BinaryOperator op, object? left, object? right)
    {
        if (left is long a && right is long b && Small(op, a, b) is { } small)
        {
            return small;
        }

        return Number.TryInteger(left, out BigInteger x) && Number.TryInteger(right, out BigInteger y)
            ? Whole(op, x, y)
            : Real(op, Number.ToDouble(left), Number.ToDouble(right));
    }

    public static object Negate(object? value) => value switch
    {
        double real => -real,
        _ when Number.TryInteger(value, out BigInteger number) => Number.Of(-number),
        Undefined undefined => throw undefined.Error(),
        _ => throw TemplateError.Type($"bad operand type for unary -: '{TypeName.Of(value)}'"),
    };

    public static object Plus(object? value) => value switch
    {
        double real => real,
        _ when Number.TryInteger(value, out BigInteger number) => Number.Of(number),
        Undefined undefined => throw undefined.Error(),
        _ => throw TemplateError.Type($"bad operand type for unary +: '{TypeName.Of(value)}'"),
    };

    /// <summary>Python's <c>round()</c>: to even on ties, exactly.</summary>
    public static object Round(object? value, int digits)
    {
        if (value is double real)
        {
            if (!double.IsFinite(real) || digits > 400)
            {
                return real;
            }

            if (digits >= 0)
            {
                double rounded = double.Parse(DecimalText.Fixed(Math.Abs(real), digits), System.Globalization.CultureInfo.InvariantCulture);
                return double.IsNegative(real) ? -rounded : rounded;
            }

            return digits < -400 ? 0.0 * real : (double)RoundWhole(new BigInteger(Math.Round(real)), -digits);
        }

        if (!Number.TryInteger(value, out BigInteger whole))
        {
            throw TemplateError.Type($"type {TypeName.Of(value)} doesn't define __round__ method");
        }

        return Number.Of(digits >= 0 ? whole : digits < -RenderLimits.IntegerBits ? 0 : RoundWhole(whole, -digits));
    }

    private static BigInteger RoundWhole(BigInteger value, int zeros)
    {
        BigInteger unit = BigInteger.Pow(10, zeros);
        BigInteger floor = FloorDivide(value, unit);
        BigInteger rest = value - (floor * unit);
        int half = (rest * 2).CompareTo(unit);
        return (half > 0 || (half == 0 && !floor.IsEven) ? floor + 1 : floor) * unit;
    }

    private static long? Small(BinaryOperator op, long a, long b)
    {
        long result;
        switch (op)
        {
            case BinaryOperator.Add:
                result = unchecked(a + b);
                return ((a ^ result) & (b ^ result)) < 0 ? null : result;
            case BinaryOperator.Subtract:
                result = unchecked(a - b);
                return ((a ^ b) & (a ^ result)) < 0 ? null : result;
            case BinaryOperator.Multiply:
                return Math.BigMul(a, b, out result) == result >> 63 ? result : null;
            case BinaryOperator.FloorDivide when b > 0:
                return (a / b) - (a % b < 0 ? 1 : 0);
            case BinaryOperator.Modulo when b > 0:
                result = a % b;
                return result < 0 ? result + b : result;
            default:
                return null;
        }
    }

    private static object Whole(BinaryOperator op, BigInteger a, BigInteger b)
    {
        switch (op)
        {
            case BinaryOperator.Add:
                return Number.Of(a + b);
            case BinaryOperator.Subtract:
                return Number.Of(a - b);
            case BinaryOperator.Multiply:
                return Number.Of(a * b);
            case BinaryOperator.Divide:
                return Divide(a, b);
            case BinaryOperator.FloorDivide:
                return b.IsZero ? throw TemplateError.ZeroDivision("integer division or modulo by zero") : Number.Of(FloorDivide(a, b));
            case BinaryOperator.Modulo:
                return b.IsZero ? throw TemplateError.ZeroDivision("integer modulo by zero") : Number.Of(a - (FloorDivide(a, b) * b));
            default:
                if (b.Sign < 0)
                {
                    return Real(op, Number.ToDouble(Number.Of(a)), Number.ToDouble(Number.Of(b)));
                }

                if (BigInteger.Abs(a) <= BigInteger.One)
                {
                    return Number.Of(a.IsOne || a.IsZero ? b.IsZero ? 1 : a : b.IsEven ? 1 : a);
                }

                Number.CheckBits(b > RenderLimits.IntegerBits ? long.MaxValue : (long)b * (a.GetBitLength() - 1));
                return Number.Of(BigInteger.Pow(a, (int)b));
        }
    }

    private static double Divide(BigInteger a, BigInteger b)
    {
        if (b.IsZero)
        {
            throw TemplateError.ZeroDivision("division by zero");
        }

        const long Exact = 1L << 53;
        if (BigInteger.Abs(a) <= Exact && BigInteger.Abs(b) <= Exact)
        {
            return (double)a / (double)b;
        }

        // Enough bits of the quotient for a correct rounding, with the rest as a sticky one.
        long shift = Math.Max(0, 66 - (a.GetBitLength() - b.GetBitLength()));
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(a) << (int)shift, BigInteger.Abs(b), out BigInteger rest);
        if (!rest.IsZero)
        {
            quotient = (quotient << 1) | 1;
            shift++;
        }

        int drop = (int)Math.Max(0, quotient.GetBitLength() - 64);
        BigInteger kept = quotient >> drop;
        ulong bits = (ulong)kept;
        if (kept << drop != quotient)
        {
            bits |= 1;
        }

        double result = Math.ScaleB((double)bits, (int)(drop - shift));
        return double.IsFinite(result) ? a.Sign * b.Sign < 0 ? -result : result
            : throw TemplateError.Overflow("integer division result too large for a float");
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
        return !rest.IsZero && (rest.Sign < 0) != (b.Sign < 0) ? quotient - 1 : quotient;
    }

    private static double Real(BinaryOperator op, double a, double b)
    {
        switch (op)
        {
            case BinaryOperator.Add:
                return a + b;
            case BinaryOperator.Subtract:
                return a - b;
            case BinaryOperator.Multiply:
                return a * b;
            case BinaryOperator.Divide:
                return b == 0 ? throw TemplateError.ZeroDivision("float division by zero") : a / b;
            case BinaryOperator.FloorDivide:
                return b == 0 ? throw TemplateError.ZeroDivision("float floor division by zero") : FloorDivide(a, b);
            case BinaryOperator.Modulo:
                return b == 0 ? throw TemplateError.ZeroDivision("float modulo") : Modulo(a, b);
            default:
                if (a == 0 && b < 0)
                {
                    throw TemplateError.ZeroDivision("0.0 cannot be raised to a negative power");
                }

                if (a < 0 && double.IsFinite(a) && double.IsFinite(b) && !double.IsInteger(b))
                {
                    throw TemplateError.Unsupported("a power that is a complex number.");
                }

                double power = Math.Pow(a, b);
                return double.IsInfinity(power) && double.IsFinite(a) && double.IsFinite(b)
                    ? throw TemplateError.Overflow("(34, 'Numerical result out of range')")
                    : power;
        }
    }

    private static double Modulo(double a, double b)
    {
        double rest = a % b;
        if (rest == 0)
        {
            return Math.CopySign(0, b);
        }

        return (rest < 0) != (b < 0) ? rest + b : rest;
    }

    private static double FloorDivide(double a, double b)
    {
        double rest = a % b;
        double quotient = (a - rest) / b;
        if (rest != 0 && (rest < 0) != (b < 0))
        {
            quotient -= 1;
        }

        if (quotient == 0)
        {
            return Math.CopySign(0, a / b);
        }

        double floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }
}
