namespace SpecDecode;

/// <summary>Facts about precisions.</summary>
internal static class Precisions
{
    /// <summary>Bits of a weight, without its share of scales; of <see cref="Precision.Stored"/>, which is one of the others, 16.</summary>
    public static int Bits(this Precision precision) => precision switch
    {
        Precision.Int4 => 4,
        Precision.Int8 => 8,
        Precision.Bf16 or Precision.Fp16 or Precision.Stored => 16,
        _ => 32,
    };

    /// <summary>Whether weights are integers with scales.</summary>
    public static bool IsQuantized(this Precision precision) => precision is Precision.Int8 or Precision.Int4;

    /// <summary>The name on the command line and in files.</summary>
    public static string Name(this Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The precision of a name as <see cref="Name"/> gives it; null for another.</summary>
    public static Precision? Parse(string? name)
    {
        foreach (Precision precision in Enum.GetValues<Precision>())
        {
            if (precision.Name() == name)
            {
                return precision;
            }
        }

        return null;
    }
}
