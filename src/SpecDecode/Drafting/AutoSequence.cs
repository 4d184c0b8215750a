namespace SpecDecode.Drafting;

/// <summary>What <see cref="AutoDraftPolicy"/> remembers of one sequence.</summary>
/// <param name="capacity">Most tokens of prompt and output.</param>
internal sealed class AutoSequence(int capacity)
{
    // About so many judged tokens are remembered, and as many that came out as expected count from the start.
    private const double Memory = 64;
    private const double Prior = 12;

    private readonly SuffixIndex _index = new(capacity);
    private Odds _drafts;
    private Odds _lookups;

    /// <summary>What is remembered of a draft's sequence; new at its first step.</summary>
    public static AutoSequence Of(SequenceDraft draft)
    {
        if (draft.State is not AutoSequence state)
        {
            state = new AutoSequence(draft.Capacity);
            draft.State = state;
        }

        return state;
    }

    /// <summary>Tokens that matched where the last proposal came from.</summary>
    public int Match { get; set; }

    /// <summary>The place of the last proposal at which another match went on otherwise.</summary>
    public int Doubted { get; set; }

    /// <summary>The chance that all of the last proposal is accepted.</summary>
    public double Reach { get; set; }

    /// <summary>Whether the last proposal was made to learn what proposals are worth.</summary>
    public bool IsLook { get; set; }

    /// <summary>Whether the drafter is to go on behind the last proposal.</summary>
    public bool GoesOn { get; set; }

    /// <summary>Whether that is to learn what it is worth.</summary>
    public bool IsLookBehind { get; set; }

    /// <summary>A chance as it is for this text, whose tokens may be easier or harder than those of others.</summary>
    public double Correct(double chance) => _drafts.Correct(chance);

    /// <inheritdoc cref="Correct"/>
    public double CorrectLookup(double chance) => _lookups.Correct(chance);

    /// <summary>Takes what became of a token of the drafter.</summary>
    /// <param name="chance">What its chance was said to be.</param>
    /// <param name="accepted">Whether it became output.</param>
    public void Add(double chance, bool accepted) => _drafts.Add(chance, accepted);

    /// <summary>Takes what became of a token that was proposed.</summary>
    public void AddLookup(double chance, bool accepted) => _lookups.Add(chance, accepted);

    /// <summary>What the text so far proposes; <see cref="Match"/> and <see cref="Doubted"/> say where that comes from.</summary>
    public int Find(SequenceDraft draft, Span<int> proposal)
    {
        _index.Append(draft.Tokens[_index.Count..]);
        int found = _index.Find(proposal, out int match, out int doubted);
        (Match, Doubted) = (match, doubted);
        return found;
    }

    private struct Odds
    {
        private double _accepted;
        private double _expected;

        public readonly double Correct(double chance) => Math.Clamp(chance * ((_accepted + Prior) / (_expected + Prior)), 0, 0.995);

        public void Add(double chance, bool accepted)
        {
            const double Kept = 1 - 1 / Memory;
            _accepted = _accepted * Kept + (accepted ? 1 : 0);
            _expected = _expected * Kept + chance;
        }
    }
}
