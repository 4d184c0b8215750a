namespace SpecDecode.Calibration;

/// <summary>How many plans methods have scored at a time.</summary>
internal static class SearchBatch
{
    /// <summary>
    /// Before a batch the full model reads the texts again, which takes about as long as scoring a plan or two; and a budget ends between
    /// batches.
    /// </summary>
    public const int Plans = 8;
}
