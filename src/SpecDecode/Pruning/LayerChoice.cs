namespace SpecDecode.Pruning;

/// <summary>Layers that a method has chosen to drop.</summary>
/// <param name="Dropped">Their numbers, from 0, in their order.</param>
/// <param name="Method">The method, one of <see cref="Methods"/>.</param>
/// <param name="Paper">Where it comes from, with the number of the paper.</param>
public sealed record LayerChoice(IReadOnlyList<int> Dropped, string Method, string Paper)
{
    /// <summary>The methods that there are, by name.</summary>
    public static IReadOnlyList<string> Methods { get; } = [.. LayerChoosing.Methods.Keys];

    /// <summary>How they were chosen, in words that <see cref="PruningOptions.ChosenBy"/> takes.</summary>
    public string Reason => $"by the method {Method} ({Paper})";
}
