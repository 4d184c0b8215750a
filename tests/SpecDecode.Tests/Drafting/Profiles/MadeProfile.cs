using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>A profile that says everything that one can say, and others made of it.</summary>
internal static class MadeProfile
{
    public const int Layers = 8;

    public static ModelIdentity Model { get; } = new("llama", Layers, 4096, "0123456789abcdef0123456789abcdef");

    /// <summary>An exit, a skip set, a list of blocks, an exit on the copy in lower precision, and the whole copy with exits that guess for it.</summary>
    public static DraftingProfile Full { get; } = new()
    {
        Model = Model,
        Measured = new ProfileMeasurement
        {
            Processor = "Some \"processor\" of 2 cores", Threads = 2, Precision = Precision.Bf16, DraftPrecision = Precision.Int4, Kernels = "own, AVX2", Date = new DateOnly(2026, 2, 28),
        },
        Plans =
        [
            new ProfilePlan
            {
                Plan = LayerPlan.EarlyExit(Layers, 2), DraftLength = 3, Threshold = 0.35f, Agreement = [0.81, 0.1 + 0.2, 1, 0], DraftRowCost = 1.0 / 3, ExpectedSpeedup = 1.31,
                MeasuredSpeedup = 1.2, Method = "every exit",
            },
            new ProfilePlan { Plan = LayerPlan.LayerSkip(Layers, [3, 5], [4]), DraftLength = 64, Threshold = 1, DraftRowCost = 1e-300, Method = "searched", FromLengths = [128, 2048] },
            new ProfilePlan { Plan = LayerPlan.Of(Layers, [new(BlockKind.Attention, 0), new(BlockKind.Mlp, 0), new(BlockKind.Mlp, 7), new(BlockKind.Attention, 3)]) },
            new ProfilePlan { Plan = LayerPlan.EarlyExit(Layers, 2), UsesDraftWeights = true },
            new ProfilePlan { Plan = LayerPlan.Full(Layers), UsesDraftWeights = true, CascadeExits = [4, 1], CascadeLength = 5, CascadeThreshold = 0.3f },
            new ProfilePlan { Plan = LayerPlan.LayerSkip(Layers, Enumerable.Range(0, Layers), Enumerable.Range(0, Layers)) },
        ],
    };

    /// <summary>Exits on the model's own weights, and on the copy where the number is negative.</summary>
    public static DraftingProfile Exits(params int[] exits) => new()
    {
        Model = Model,
        Plans = [.. exits.Select(exit => new ProfilePlan { Plan = LayerPlan.EarlyExit(Layers, Math.Abs(exit)), UsesDraftWeights = exit < 0, DraftLength = 5, Threshold = 0.25f })],
    };
}
