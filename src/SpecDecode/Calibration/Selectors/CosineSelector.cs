using SpecDecode.Plans;

namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Leaves out the attention whose input and output are most alike by their cosine, from one to all of them; every MLP stays (Draft on the Fly,
/// 2410.01028). The paper chooses anew for each prompt, for a number of layers that is given; here it is once, for several texts and every number.
/// </summary>
internal sealed class CosineSelector : ILayerSelector
{
    /// <inheritdoc/>
    public string Name => "cosine";

    /// <inheritdoc/>
    public string Paper => "Draft on the Fly, 2410.01028";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (TextInfluence.Rank(search) is { } ranked)
        {
            SkipSets.ScoreNested(search, [.. ranked.Where(block => block.Kind == BlockKind.Attention)]);
        }
    }
}
