namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// How a stage must be run so that a row does not depend on the rows beside it. Kernels take rows in blocks, and have a path of
/// their own for a single row that is left over, which may add up in another order: such a row gets a companion.
/// </summary>
/// <param name="Block">Rows of a block, behind which a single one gets a companion; <see cref="None"/> where none needs one.</param>
/// <param name="IsAlike">Whether that is enough.</param>
internal readonly record struct RowRule(int Block, bool IsAlike)
{
    /// <summary>The block of stages whose rows come out the same in any number.</summary>
    public const int None = 1;

    /// <summary>The rule of stages that run with any rows beside others.</summary>
    public static RowRule Free { get; } = new(None, IsAlike: true);

    /// <summary>The block of stages of which only a row that is all alone needs a companion.</summary>
    public const int Unbounded = int.MaxValue;

    /// <summary>With how many rows a stage is run that has so many: one more where one would be left over.</summary>
    public int RowsToRun(int rows) => rows % Block == 1 ? rows + 1 : rows;

    /// <summary>A rule that suits both, where one does.</summary>
    public RowRule And(RowRule other) => new(
        Block == None ? other.Block : Block, IsAlike && other.IsAlike && (Block == None || other.Block == None || Block == other.Block));
}
