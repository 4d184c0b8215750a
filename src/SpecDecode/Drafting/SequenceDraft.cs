using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>
/// One sequence's draft in a step, as its policy sees it: what may be chosen, what was, and what came of it. One object for all steps,
/// so nothing of it is to be kept.
/// </summary>
public sealed class SequenceDraft
{
    // The token that is drafted from, the draft behind it, and behind that what levels of a cascade have guessed.
    private readonly int[] _tokens = new int[DraftingOptions.MaxDraftLength + 1];
    private readonly DraftLevels _levels = new();
    private readonly float[] _confidences = new float[DraftingOptions.MaxDraftLength];
    private SequenceDrafting? _drafting;
    private ReadOnlyMemory<int> _known;
    private Func<int, bool>? _ends;
    private ProposalCheck? _allows;
    private int _vocabularySize;
    private int _wanted;
    private bool _isJudged;

    internal SequenceDraft()
    {
    }

    /// <summary>The plans that may be chosen.</summary>
    public IReadOnlyList<DraftPlan> Plans => _drafting?.Plans ?? [];

    /// <summary>Most tokens that the draft may have in this step; at least 1.</summary>
    public int Limit { get; private set; }

    /// <summary>How tokens are chosen and judged.</summary>
    public AcceptanceRule Rule { get; private set; }

    /// <summary>Prompt and output so far.</summary>
    public ReadOnlySpan<int> Tokens => _known.Span;

    /// <summary>Tokens of the prompt among them.</summary>
    public int PromptLength { get; private set; }

    /// <summary>Most tokens that prompt and output may have.</summary>
    public int Capacity { get; private set; }

    /// <summary>What the policy remembers about the sequence, from its first step to its last.</summary>
    /// <value>Null in its first step.</value>
    public object? State
    {
        get => _drafting?.State;
        set
        {
            if (_drafting is { } drafting)
            {
                drafting.State = value;
            }
        }
    }

    /// <summary>The plan that was chosen; null where no pass of the drafter is wanted.</summary>
    public DraftPlan? Plan { get; private set; }

    /// <summary>Why the draft is as it is.</summary>
    public DraftReason Reason { get; private set; }

    /// <summary>Tokens so far.</summary>
    public int Length => _levels.Chosen(0);

    /// <summary>Those of them that were proposed by <see cref="Propose"/>; they come first.</summary>
    public int Proposed { get; private set; }

    /// <summary>Those of the proposed tokens that nothing else could take the place of.</summary>
    internal int Forced { get; private set; }

    /// <summary>The draft so far.</summary>
    public ReadOnlySpan<int> Draft => _tokens.AsSpan(1, Length);

    /// <summary>
    /// The drafter's confidence in each token of <see cref="Draft"/>: the token's probability by the raw softmax of its logits; 0 for
    /// those that were proposed, and where <see cref="Choose"/> said that nobody reads it.
    /// </summary>
    public ReadOnlySpan<float> Confidences => _confidences.AsSpan(0, Length);

    /// <summary>Whether the last pass of the drafter gave it a token.</summary>
    public bool IsInPass => AddedTokens > 0;

    /// <summary>Tokens that the last pass of the drafter gave it, the last ones of <see cref="Draft"/>: 1, or with a cascade several; 0 where it took no part.</summary>
    public int AddedTokens { get; private set; }

    /// <summary>Whether another token will be drafted, as things stand.</summary>
    public bool WantsToken => Plan is not null && !_levels.IsStopped(0) && Length < _wanted;

    /// <summary>Tokens that were judged: the accepted ones, and the first that was not.</summary>
    public int Evaluated { get; private set; }

    /// <summary>Tokens that became output.</summary>
    public int Accepted { get; private set; }

    /// <summary>All that became output: the accepted tokens and, mostly, the verifier's own.</summary>
    public int OutputTokens { get; private set; }

    /// <summary>Whether the sequence was cancelled in the middle of the step, so that nothing became of it.</summary>
    internal bool IsCancelled { get; set; }

    /// <summary>Whether the drafter reads confidences.</summary>
    internal bool ReadsConfidence { get; private set; }

    /// <summary>Whether the confidence of what a level chooses is looked at.</summary>
    internal bool ReadsConfidenceAt(int level) => level == 0 ? ReadsConfidence : Plan!.Cascade!.Threshold > 0;

    /// <summary>Rows that the plan has run: as many as <see cref="Length"/>, or none while all tokens are proposed.</summary>
    internal int RowsRun => _levels.RowsRun(0);

    /// <summary>Rows that the drafter's passes had for it, those of guesses and of what came to nothing included.</summary>
    internal int PassRows { get; set; }

    /// <summary>Guesses of a cascade that were judged by the level above.</summary>
    internal int Guessed { get; private set; }

    /// <summary>Those of them that were its own choice.</summary>
    internal int GuessesTaken { get; private set; }

    /// <summary>How far each level of a cascade is; without one there is the plan's.</summary>
    internal DraftLevels Levels => _levels;

    /// <summary>Which level of the plan's cascade runs next; 0 is the plan itself.</summary>
    internal int NextLevel => Plan?.Cascade is { } cascade ? _levels.Next(cascade, _wanted) : 0;

    /// <summary>The last known token, and the draft, from one of them on.</summary>
    internal ReadOnlySpan<int> TokensFrom(int first) => _tokens.AsSpan(first, Length + 1 - first);

    /// <summary>The tokens that the next pass of a level runs from the beginning: those that the level below has not run.</summary>
    internal ReadOnlySpan<int> TokensToRun(int level) => _tokens.AsSpan(_levels.RowsRun(level + 1), _levels.Chosen(level + 1) + 1 - _levels.RowsRun(level + 1));

    /// <summary>The draft as a level of a cascade has it.</summary>
    internal ReadOnlySpan<int> ChosenBy(int level) => _tokens.AsSpan(1, _levels.Chosen(level));

    /// <summary>Whether a plan may be chosen.</summary>
    internal bool Allows(DraftPlan plan)
    {
        IReadOnlyList<DraftPlan> plans = Plans;
        for (int i = 0; i < plans.Count; i++)
        {
            if (ReferenceEquals(plans[i], plan))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Drafts with a plan, behind what was proposed.</summary>
    /// <param name="plan">One of <see cref="Plans"/>.</param>
    /// <param name="length">Tokens that the draft is to have, what was proposed included: 1 to <see cref="Limit"/>.</param>
    /// <param name="readsConfidence">Whether <see cref="Confidences"/> are wanted, which cost a look at all logits.</param>
    /// <exception cref="ArgumentException">The plan is none of those, or the length is out of range.</exception>
    /// <exception cref="InvalidOperationException">The drafter has run by another plan, or the draft was judged.</exception>
    public void Choose(DraftPlan plan, int length, bool readsConfidence = true)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (!Allows(plan))
        {
            throw new ArgumentException("The plan is none of those that the sequence may draft by: choose one of Plans.", nameof(plan));
        }

        CheckLength(length, nameof(length));
        CheckNotJudged();
        if (RowsRun > 0 && !ReferenceEquals(Plan, plan))
        {
            // Its rows were kept where that plan leaves the whole model, and verification goes on from there.
            throw new InvalidOperationException("The drafter has run by another plan: choose one before it runs, and keep it for the step.");
        }

        Plan = plan;
        _wanted = length;
        ReadsConfidence = readsConfidence;
        Reason = DraftReason.Drafted;
    }

    /// <summary>
    /// Takes tokens into the draft that cost no pass of the drafter; behind one that ends the text nothing is taken, and nothing from one on that the
    /// request's constraints do not allow.
    /// </summary>
    /// <param name="tokens">The tokens; with what is there already at most <see cref="Limit"/>.</param>
    /// <exception cref="ArgumentException">They are too many, or one is not in the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">The drafter has run, or the draft was judged.</exception>
    public void Propose(ReadOnlySpan<int> tokens)
    {
        CheckNotJudged();
        if (RowsRun > 0)
        {
            throw new InvalidOperationException("Tokens can be proposed before the drafter runs, and not behind what it drafted.");
        }

        if (tokens.Length == 0)
        {
            return;
        }

        CheckLength(Length + tokens.Length, nameof(tokens));
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_vocabularySize)
            {
                throw new ArgumentException($"The token {token} is not in the vocabulary: ids go from 0 to {_vocabularySize - 1}.", nameof(tokens));
            }

            if (_allows?.Invoke(Draft, token) == false)
            {
                break;
            }

            _confidences[Length] = 0;
            _levels.Propose();
            _tokens[Length] = token;
            Proposed = Length;
            if (_ends!(token))
            {
                Stop();
                break;
            }
        }

        Reason = Length > 0 ? DraftReason.Drafted : Reason;
    }

    /// <summary>Takes tokens that must come next; they are the whole draft, and no policy is asked.</summary>
    /// <param name="tokens">The tokens, at least one.</param>
    internal void Force(ReadOnlySpan<int> tokens)
    {
        Propose(tokens);
        Forced = Length;
        Reason = Length > 0 ? DraftReason.Forced : Reason;
        Stop();
    }

    /// <summary>Ends the draft as it is.</summary>
    public void Stop() => Stop(0);

    /// <summary>Ends what a level of a cascade guesses, until the level above has judged it; at level 0 the draft.</summary>
    internal void Stop(int level) => _levels.Stop(level);

    /// <summary>Notes why the draft is as it is, or why there is none.</summary>
    /// <param name="reason">Why.</param>
    public void Explain(DraftReason reason) => Reason = reason;

    /// <summary>Begins a step.</summary>
    /// <param name="drafting">How the sequence drafts; null for plain decoding.</param>
    /// <param name="known">Prompt and output so far.</param>
    /// <param name="promptLength">Tokens of the prompt.</param>
    /// <param name="capacity">Most tokens that prompt and output may have.</param>
    /// <param name="rule">How tokens are judged.</param>
    /// <param name="ends">Whether a token ends the text.</param>
    /// <param name="allows">Whether a token may be proposed; null where all may.</param>
    internal void Begin(
        SequenceDrafting? drafting, ReadOnlyMemory<int> known, int promptLength, int capacity, AcceptanceRule rule, Func<int, bool> ends,
        ProposalCheck? allows = null)
    {
        _drafting = drafting;
        _known = known;
        PromptLength = promptLength;
        Capacity = capacity;
        Rule = rule;
        _ends = ends;
        _allows = allows;
        _tokens[0] = known.Span[^1];
        Limit = 0;
        Reason = DraftReason.Disabled;
        Evaluated = 0;
        Accepted = 0;
        OutputTokens = 0;
        IsCancelled = false;
        _isJudged = false;
        Clear();
    }

    /// <summary>Gives it its room.</summary>
    internal void Admit(int limit, int vocabularySize)
    {
        Limit = limit;
        _vocabularySize = vocabularySize;
    }

    /// <summary>Forgets what was chosen.</summary>
    internal void Clear()
    {
        Plan = null;
        _levels.Clear();
        Proposed = 0;
        Forced = 0;
        PassRows = 0;
        Guessed = 0;
        GuessesTaken = 0;
        AddedTokens = 0;
        ReadsConfidence = false;
        _wanted = 0;
    }

    /// <summary>A pass of the drafter begins, with it or without it.</summary>
    internal void BeginPass() => AddedTokens = 0;

    /// <summary>Takes the token that a level has chosen at its next place.</summary>
    /// <param name="level">The level; 0 adds to the draft.</param>
    /// <param name="token">The token.</param>
    /// <param name="confidence">Its probability; 0 where nobody reads it.</param>
    /// <returns>Whether it had been guessed there, so that what the pass says behind it counts.</returns>
    internal bool Take(int level, int token, float confidence)
    {
        int place = _levels.Choose(level);
        bool isJudged = place <= _levels.Chosen(level + 1);
        bool wasGuessed = isJudged && _tokens[place] == token;
        Guessed += isJudged ? 1 : 0;
        GuessesTaken += wasGuessed ? 1 : 0;
        _tokens[place] = token;
        bool ends = _ends!(token);
        if (level == 0)
        {
            _confidences[place - 1] = confidence;
            AddedTokens++;
        }

        if (ends || (level > 0 && Plan!.Cascade!.Threshold is > 0 and var threshold && !(confidence >= threshold)))
        {
            _levels.Stop(level);
        }

        return wasGuessed && !ends;
    }

    /// <summary>A pass of a level has chosen what it could.</summary>
    /// <param name="level">The level.</param>
    internal void EndPass(int level)
    {
        if (_levels.Chosen(level) > _levels.RowsRun(level) && (level > 0 || AddedTokens > 0))
        {
            _levels.EndPass(level);
        }
    }

    /// <summary>Adds a token of the drafter, from a pass of its own.</summary>
    internal void Add(int token, float confidence)
    {
        BeginPass();
        PassRows += TokensToRun(0).Length;
        Take(0, token, confidence);
        EndPass(0);
    }

    /// <summary>Whether the tokens of the last pass are as probable as a threshold asks.</summary>
    internal bool IsSure(double threshold)
    {
        bool isSure = true;
        for (int i = Length - AddedTokens; i < Length; i++)
        {
            isSure &= _confidences[i] >= threshold;
        }

        return isSure;
    }

    /// <summary>Notes what became of it.</summary>
    internal void Judge(int evaluated, int accepted, int outputTokens)
    {
        Evaluated = evaluated;
        Accepted = accepted;
        OutputTokens = outputTokens;
        _isJudged = true;
    }

    private void CheckNotJudged()
    {
        if (_isJudged)
        {
            throw new InvalidOperationException("The draft was judged, so nothing is added to it: choose and propose in the next step's Plan.");
        }
    }

    private void CheckLength(int length, string parameter)
    {
        if (length < 1 || length > Limit)
        {
            throw new ArgumentException($"A draft of {length} tokens is asked for: give 1 to Limit, which is {Limit} here.", parameter);
        }
    }
}
