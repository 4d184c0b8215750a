namespace SpecDecode.Calibration.Selectors;

/// <summary>
/// Leaves out the blocks of least influence, from one to all of them (ShortGPT, 2403.03853). The paper removes whole layers for good; here
/// attention and MLP count apart, and every number of blocks is scored.
/// </summary>
internal sealed class InfluenceSelector : ILayerSelector
{
    /// <inheritdoc/>
    public string Name => "influence";

    /// <inheritdoc/>
    public string Paper => "ShortGPT, 2403.03853";

    /// <inheritdoc/>
    public void Search(IPlanSearch search)
    {
        if (TextInfluence.Rank(search) is { } ranked)
        {
            SkipSets.ScoreNested(search, ranked);
        }
    }
}
