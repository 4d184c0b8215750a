namespace SpecDecode.Calibration;

/// <summary>The standard normal distribution.</summary>
internal static class NormalDistribution
{
    /// <summary>Its density at a place.</summary>
    public static double Density(double place) => Math.Exp(-0.5 * place * place) / Math.Sqrt(2 * Math.PI);

    /// <summary>The share below a place, to 1e-7 (Abramowitz and Stegun, 26.2.17).</summary>
    public static double Below(double place)
    {
        double t = 1 / (1 + 0.2316419 * Math.Abs(place));
        double above = Density(place) * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return place >= 0 ? 1 - above : above;
    }
}
