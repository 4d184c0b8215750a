using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>The rule that a safetensors file's tensors lie side by side: no overlap, no hole, nothing behind the last.</summary>
internal static class SafetensorsLayout
{
    /// <summary>Checks the rule, which the format's reference implementation has too.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="tensors">All tensors; sorted by their place afterwards.</param>
    /// <param name="dataLength">The bytes that the file has behind its header.</param>
    /// <exception cref="CheckpointException">The file is cut off, too long, or its tensors overlap or leave holes.</exception>
    public static void Check(string path, List<SafetensorsTensor> tensors, long dataLength)
    {
        tensors.Sort(static (left, right) => (left.Begin, left.End).CompareTo((right.Begin, right.End)));
        CheckNotCutOff(path, tensors, dataLength);

        long covered = 0;
        string? previous = null;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin < covered)
            {
                throw new CheckpointException(path, $"tensor {Quote(tensor.Name)} begins at byte {tensor.Begin} of the data, "
                    + $"inside tensor {Quote(previous!)}, which ends at {covered}; the header is damaged, download the file again");
            }

            if (tensor.Begin > covered)
            {
                throw new CheckpointException(path, $"tensor {Quote(tensor.Name)} begins at byte {tensor.Begin} of the data, "
                    + $"and the bytes from {covered} on belong to no tensor; the header is damaged, download the file again");
            }

            covered = tensor.End;
            previous = tensor.Name;
        }

        if (covered < dataLength)
        {
            throw new CheckpointException(path, $"holds {dataLength - covered} bytes behind the last tensor"
                + (previous is null ? "" : $" {Quote(previous)}")
                + " that belong to no tensor; the file is damaged, download it again");
        }
    }

    private static void CheckNotCutOff(string path, List<SafetensorsTensor> tensors, long dataLength)
    {
        if (tensors.MaxBy(static tensor => tensor.End) is { } last && last.End > dataLength)
        {
            throw new CheckpointException(path, $"the file ends {last.End - dataLength} bytes early: tensor {Quote(last.Name)} "
                + $"should reach byte {last.End} of the data, and there are {dataLength}; download it again");
        }
    }
}
