namespace SpecDecode.Calibration;

/// <summary>
/// A method that looks for layers which a drafter can leave out. One file each below <c>Selectors</c>, listed in <see cref="LayerSelectors"/>.
/// Without state: everything about a search lies in its <see cref="IPlanSearch"/>, so one selector serves any number of them.
/// </summary>
internal interface ILayerSelector
{
    /// <summary>What it is called in options and tables: one lower-case word.</summary>
    string Name { get; }

    /// <summary>Where it comes from, with the number of the paper.</summary>
    string Paper { get; }

    /// <summary>
    /// Has plans scored until it knows no better ones or <see cref="IPlanSearch.TryScore"/> says that the budget is used up. What it had scored is
    /// its result. Plans come in the same order for the same seed and scores.
    /// </summary>
    /// <param name="search">The model, the budget and the scores.</param>
    void Search(IPlanSearch search);
}
