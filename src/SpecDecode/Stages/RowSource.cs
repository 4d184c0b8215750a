namespace SpecDecode.Stages;

/// <summary>Where rows of a newly arranged residual come from.</summary>
/// <param name="IsKept">Whether they were kept with <see cref="IStages.Keep(int, int)"/>; else they are rows of the residual as it is.</param>
/// <param name="First">The first of them: a slot, or a row.</param>
/// <param name="Rows">How many.</param>
internal readonly record struct RowSource(bool IsKept, int First, int Rows);
