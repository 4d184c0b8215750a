using SpecDecode.Descriptions;

namespace SpecDecode.Tests.Kernels;

/// <summary>
/// Products so chosen that any two values of different properties meet in one of them: every format with every number of rows, every number of rows with
/// every width, and so on.
/// </summary>
internal static class ProductCases
{
    private const int Seed = 20;
    private const int Tries = 40;

    /// <summary>Formats of weights, and what rows are rounded to.</summary>
    public static (TensorFormat Format, ActivationPrecision Activations)[] Kinds { get; } =
    [
        .. ((Precision[])[Precision.Fp32, Precision.Bf16, Precision.Fp16]).Select(precision => (ProductCase.Panels(precision), ActivationPrecision.Int8)),
        .. from precision in (Precision[])[Precision.Int8, Precision.Int4]
           from blockSize in (int[])[16, 32, 64, 128, 256]
           from activations in Enum.GetValues<ActivationPrecision>()
           select (ProductCase.Panels(precision, blockSize), activations),
    ];

    private static readonly int[] Inputs = [1, 2, 3, 31, 33, 64, 100, 256, 576];
    private static readonly int[] Outputs = [1, 31, 32, 33, 63, 64, 65, 960];
    private static readonly int[] Rows = [.. Enumerable.Range(1, 9), 12, 13, 17, 33, 100, 512];
    private static readonly NormKind?[] Norms = [null, NormKind.Rms, NormKind.RmsAroundOne, NormKind.Layer];
    private static readonly Activation?[] Activations = [null, Activation.Silu, Activation.GeluTanh, Activation.Relu];
    private static readonly ResidualPlace[] Residuals = Enum.GetValues<ResidualPlace>();

    private static readonly int[] Sizes = [Kinds.Length, Inputs.Length, Outputs.Length, Rows.Length, 2, Norms.Length, Activations.Length, 2, Residuals.Length];

    /// <summary>The products, by their place in <see cref="Kinds"/>.</summary>
    public static ILookup<int, ProductCase> All { get; } = Choose().ToLookup(choice => choice[0], Case);

    private static ProductCase Case(int[] choice) => new()
    {
        Format = Kinds[choice[0]].Format,
        Activations = Kinds[choice[0]].Activations,
        Inputs = Inputs[choice[1]],
        // Of a gate and what it multiplies each is whole panels.
        Outputs = choice[7] == 1 ? (Outputs[choice[2]] + 31) / 32 * 32 : Outputs[choice[2]],
        Rows = Rows[choice[3]],
        HasBias = choice[4] == 1,
        Norm = Norms[choice[5]],
        Activation = Activations[choice[6]],
        IsGated = choice[7] == 1,
        Residual = Residuals[choice[8]],
    };

    // Greedy: of some choices at random always the one with the most pairs that have not been met yet, begun with one of them.
    private static List<int[]> Choose()
    {
        Random random = new(Seed);
        HashSet<(int, int, int, int)> open = [];
        foreach ((int a, int b) in from a in Enumerable.Range(0, Sizes.Length) from b in Enumerable.Range(a + 1, Sizes.Length - a - 1) select (a, b))
        {
            open.UnionWith(from x in Enumerable.Range(0, Sizes[a]) from y in Enumerable.Range(0, Sizes[b]) select (a, x, b, y));
        }

        List<int[]> chosen = [];
        while (open.Count > 0)
        {
            (int a, int x, int b, int y) = open.First();
            int[] best = [];
            int most = -1;
            for (int i = 0; i < Tries; i++)
            {
                int[] choice = [.. Sizes.Select(size => random.Next(size))];
                (choice[a], choice[b]) = (x, y);
                int met = Pairs(choice).Count(open.Contains);
                (best, most) = met > most ? (choice, met) : (best, most);
            }

            open.ExceptWith(Pairs(best));
            chosen.Add(best);
        }

        return chosen;
    }

    private static IEnumerable<(int, int, int, int)> Pairs(int[] choice)
    {
        for (int a = 0; a < choice.Length; a++)
        {
            for (int b = a + 1; b < choice.Length; b++)
            {
                yield return (a, choice[a], b, choice[b]);
            }
        }
    }
}
