namespace SpecDecode.Drafting;

/// <summary>
/// One step of the engine, as a policy sees it: the drafts that it decides about, and what else runs. One object for all steps, so
/// nothing of it is to be kept.
/// </summary>
public sealed class DraftStep
{
    private readonly List<SequenceDraft> _drafts = [];

    internal DraftStep()
    {
    }

    /// <summary>The drafts that this policy decides about, in the order in which their sequences came.</summary>
    public IReadOnlyList<SequenceDraft> Drafts => _drafts;

    /// <summary>Sequences in the step, those that read their prompts or follow another policy included.</summary>
    public int Sequences { get; private set; }

    /// <summary>Rows that the verifying pass has without any draft: one for each sequence that writes, and those of prompts.</summary>
    public int PlainRows { get; private set; }

    /// <summary>Rows of prompts among them.</summary>
    public int PromptRows { get; private set; }

    /// <summary>Draft tokens of sequences that follow another policy; known once the drafts are judged.</summary>
    public int OtherDraftRows { get; internal set; }

    /// <summary>Time of all draft passes of the step; known once the drafts are judged.</summary>
    public TimeSpan DraftTime { get; private set; }

    /// <summary>Time of the verifying pass, its head included; known once the drafts are judged.</summary>
    public TimeSpan VerifyTime { get; private set; }

    /// <summary>Rows of the verifying pass; known once the drafts are judged.</summary>
    public int VerifyRows { get; private set; }

    internal IDraftPolicy Policy { get; private set; } = null!;

    internal bool HasFailed { get; set; }

    internal void Begin(IDraftPolicy policy, int sequences, int plainRows, int promptRows)
    {
        Policy = policy;
        Sequences = sequences;
        PlainRows = plainRows;
        PromptRows = promptRows;
        OtherDraftRows = 0;
        DraftTime = default;
        VerifyTime = default;
        VerifyRows = 0;
        HasFailed = false;
        _drafts.Clear();
    }

    internal void Add(SequenceDraft draft) => _drafts.Add(draft);

    // Of sequences that have been cancelled meanwhile nothing is told.
    internal void RemoveWhere(Predicate<SequenceDraft> match) => _drafts.RemoveAll(match);

    internal void End(TimeSpan draftTime, TimeSpan verifyTime, int verifyRows)
    {
        DraftTime = draftTime;
        VerifyTime = verifyTime;
        VerifyRows = verifyRows;
    }
}
