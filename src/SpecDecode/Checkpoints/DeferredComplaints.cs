namespace SpecDecode.Checkpoints;

/// <summary>Complaints about a checkpoint's tensors that are gathered, up to a number that a reader can take in.</summary>
internal sealed class DeferredComplaints
{
    /// <summary>Most of them; the next one is thrown, so that what a damaged config promises is not looked for without end.</summary>
    public const int Most = 12;

    private readonly List<string> _sentences = [];

    /// <summary>The complaints, each once.</summary>
    public IReadOnlyList<string> Sentences => _sentences;

    /// <summary>Whether there were more than are kept.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Whether one came that explains all the others, so that no more are kept.</summary>
    public bool IsEnough { get; set; }

    /// <summary>Keeps a complaint, unless there are too many.</summary>
    public bool TryKeep(CheckpointException complaint)
    {
        if (_sentences.Contains(complaint.Message))
        {
            return true;
        }

        if (IsEnough || _sentences.Count == Most)
        {
            IsFull = !IsEnough;
            return false;
        }

        _sentences.Add(complaint.Message);
        return true;
    }
}
