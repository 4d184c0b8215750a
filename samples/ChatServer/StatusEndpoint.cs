using SpecDecode.Drafting;
using SpecDecode.Hosting;

namespace ChatServer;

/// <summary>GET /status: the models, whether they answer, how they draft, and what their policies have chosen and expect.</summary>
internal static class StatusEndpoint
{
    /// <summary>Answers.</summary>
    public static IResult Handle(IModelCatalog catalog, DraftingWatch watch)
    {
        IReadOnlyDictionary<string, DraftingFigures> figures = watch.Read();
        return Results.Json(new { models = catalog.Models.Select(model => Describe(model, catalog, figures.GetValueOrDefault(model.Name ?? model.Key))) });
    }

    private static object Describe(ModelStatus model, IModelCatalog catalog, DraftingFigures? figures)
    {
        DraftingOptions? drafting = model.State == ModelState.Ready ? catalog.GetGenerator(model.Key).Defaults.Drafting : null;
        return new
        {
            name = model.Key,
            ready = model.State == ModelState.Ready,
            precision = model.Model?.Precision.ToString(),
            strategy = drafting is null ? null : drafting.Strategy ?? (drafting.Profile is null ? DraftingStrategy.Auto : "profile"),
            plan = figures?.Plan ?? Plan(drafting),
            figures,
        };
    }

    // What is drafted by where no policy chooses.
    private static string? Plan(DraftingOptions? drafting) => drafting switch
    {
        { IsNone: true } => DraftingStrategy.None,
        { ExitLayer: { } layer } => $"exit layer {layer}",
        { SkipAttention.Count: > 0 } or { SkipMlp.Count: > 0 } => $"without attention [{string.Join(", ", drafting.SkipAttention)}] and MLP [{string.Join(", ", drafting.SkipMlp)}]",
        _ => null,
    };
}
