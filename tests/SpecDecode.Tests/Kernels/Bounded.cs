namespace SpecDecode.Tests.Kernels;

/// <summary>
/// What floats compute, in double precision, with how far they may be off: each operation adds what its rounding may cost, half of the last bit,
/// to what the errors of its operands become. So bounds follow from the formula and the number of terms.
/// </summary>
/// <param name="Value">The value.</param>
/// <param name="Error">A bound of the distance of the floats' result.</param>
internal readonly record struct Bounded(double Value, double Error)
{
    /// <summary>Half of the last bit of a float, relative to it.</summary>
    public const double Unit = 1.0 / (1 << 24);

    // A result below the normal floats is off by half of the smallest float at most.
    private const double Smallest = 1.401298464324817e-45;

    // Of Vector.Exp, which computes in double precision and rounds: one bit, not half of one.
    private const double ExpUnits = 2;

    private double Largest => Math.Abs(Value) + Error;

    public static implicit operator Bounded(double exact) => new(exact, 0);

    public static Bounded operator +(Bounded a, Bounded b) => Rounded(a.Value + b.Value, a.Error + b.Error);

    public static Bounded operator -(Bounded a, Bounded b) => Rounded(a.Value - b.Value, a.Error + b.Error);

    public static Bounded operator *(Bounded a, Bounded b) =>
        Rounded(a.Value * b.Value, Math.Abs(a.Value) * b.Error + Math.Abs(b.Value) * a.Error + a.Error * b.Error);

    public static Bounded operator /(Bounded a, Bounded b)
    {
        double quotient = a.Value / b.Value;
        return Rounded(quotient, (a.Error + Math.Abs(quotient) * b.Error) / (Math.Abs(b.Value) - b.Error));
    }

    /// <summary>What k roundings one after the other cost, relative to the sum of the terms' magnitudes.</summary>
    public static double Gamma(int roundings) => roundings * Unit / (1 - roundings * Unit);

    /// <summary>A sum whose terms may be added in any order.</summary>
    /// <param name="terms">The terms.</param>
    /// <param name="roundings">Roundings on the way of a term, the additions among them.</param>
    public static Bounded Sum(IEnumerable<Bounded> terms, int roundings)
    {
        double sum = 0, error = 0, magnitude = 0;
        foreach (Bounded term in terms)
        {
            sum += term.Value;
            error += term.Error;
            magnitude += term.Largest;
        }

        return new Bounded(sum, error + Gamma(roundings) * magnitude + roundings * Smallest);
    }

    public static Bounded Sqrt(Bounded x)
    {
        double root = Math.Sqrt(x.Value);
        return Rounded(root, root - Math.Sqrt(Math.Max(0, x.Value - x.Error)));
    }

    public static Bounded Exp(Bounded x)
    {
        double value = Math.Exp(x.Value);
        double error = Math.Exp(x.Value + x.Error) - value;
        return new Bounded(value, error + ExpUnits * Unit * (value + error) + Smallest);
    }

    /// <summary>Whether a float is what it may be.</summary>
    public bool Allows(float found) => Math.Abs(found - Value) <= Error;

    private static Bounded Rounded(double value, double error) => new(value, error + Unit * (Math.Abs(value) + error) + Smallest);
}
