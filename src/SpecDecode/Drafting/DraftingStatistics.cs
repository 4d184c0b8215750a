namespace SpecDecode.Drafting;

/// <summary>What drafting did for a text: the sums over its rounds.</summary>
public sealed class DraftingStatistics
{
    private readonly long[] _acceptedPerPosition = new long[DraftingOptions.MaxDraftLength];
    private readonly long[] _reasons = new long[Enum.GetValues<DraftReason>().Length];

    // For each length of a draft, from 1, a row of counts by accepted tokens, from 0 to that length; as far as the longest draft that there was.
    private int[] _roundsByLength = [];
    private int _positions;
    private long _rounds;
    private long _outputTokens;
    private long _drafted;
    private long _lookedUp;
    private long _forced;
    private long _evaluated;
    private long _guessed;
    private long _guessesTaken;
    private long _accepted;
    private long _corrections;
    private long _bonusTokens;
    private long _draftRows;
    private long _verifyRows;
    private TimeSpan _draftTime;
    private TimeSpan _verifyTime;

    /// <summary>Steps that gave tokens after the first new one, those without a draft included.</summary>
    public long Rounds { get => _rounds; init => _rounds = value; }

    /// <summary>Tokens that those steps gave: all new tokens but the first, which comes with the prompt.</summary>
    public long OutputTokens { get => _outputTokens; init => _outputTokens = value; }

    /// <summary>Draft tokens.</summary>
    public long Drafted { get => _drafted; init => _drafted = value; }

    /// <summary>Those of them that cost no pass of the drafter: the text's own past proposed them (prompt lookup), or a policy.</summary>
    public long LookedUp { get => _lookedUp; init => _lookedUp = value; }

    /// <summary>
    /// Draft tokens that cost no pass of the drafter since a constraint of the request left nothing else; among <see cref="Drafted"/> and, where they
    /// stand, <see cref="Accepted"/>, and not among <see cref="LookedUp"/>.
    /// </summary>
    public long Forced { get => _forced; init => _forced = value; }

    /// <summary>For each reason how many rounds had a draft, or none, because of it; reasons that did not occur are left out.</summary>
    /// <exception cref="ArgumentException">It is set to a reason that there is not.</exception>
    public IReadOnlyDictionary<DraftReason, long> Reasons
    {
        get => Enum.GetValues<DraftReason>().Where(reason => _reasons[(int)reason] > 0).ToDictionary(reason => reason, reason => _reasons[(int)reason]);
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach ((DraftReason reason, long rounds) in value)
            {
                _reasons[(int)(Enum.IsDefined(reason) ? reason : throw new ArgumentException($"{reason} is no reason for a draft.", nameof(value)))] = rounds;
            }
        }
    }

    /// <summary>Draft tokens that acceptance looked at: the accepted ones and the first of each round that was not.</summary>
    public long Evaluated { get => _evaluated; init => _evaluated = value; }

    /// <summary>Draft tokens that became output.</summary>
    public long Accepted { get => _accepted; init => _accepted = value; }

    /// <summary>Draft tokens that did not.</summary>
    public long Discarded => Drafted - Accepted;

    /// <summary>Guesses of a cascade's levels that the level above them judged (<see cref="DraftingOptions.CascadeExits"/>).</summary>
    public long Guessed { get => _guessed; init => _guessed = value; }

    /// <summary>Those of them that were its own choice, and so cost it no pass.</summary>
    public long GuessesTaken { get => _guessesTaken; init => _guessesTaken = value; }

    /// <summary>Rounds that ended with the verifier's token in place of a draft token.</summary>
    public long Corrections { get => _corrections; init => _corrections = value; }

    /// <summary>Rounds whose whole draft was accepted and that gained one more token.</summary>
    public long BonusTokens { get => _bonusTokens; init => _bonusTokens = value; }

    /// <summary>Rows that the drafter ran.</summary>
    public long DraftRows { get => _draftRows; init => _draftRows = value; }

    /// <summary>Rows that the verifier ran at full depth.</summary>
    public long VerifyRows { get => _verifyRows; init => _verifyRows = value; }

    /// <summary>The rows' share of the steps' draft passes.</summary>
    public TimeSpan DraftTime { get => _draftTime; init => _draftTime = value; }

    /// <summary>The rows' share of the steps' verifying passes.</summary>
    public TimeSpan VerifyTime { get => _verifyTime; init => _verifyTime = value; }

    /// <summary>For each position of a draft how many tokens were accepted there; as long as the longest draft.</summary>
    /// <exception cref="ArgumentException">It is set to more than <see cref="DraftingOptions.MaxDraftLength"/> positions.</exception>
    public IReadOnlyList<long> AcceptedPerPosition
    {
        get => _acceptedPerPosition[.._positions];
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Count > _acceptedPerPosition.Length)
            {
                throw new ArgumentException($"There are {value.Count} positions, but a draft has at most {_acceptedPerPosition.Length}.", nameof(value));
            }

            _positions = value.Count;
            for (int i = 0; i < value.Count; i++)
            {
                _acceptedPerPosition[i] = value[i];
            }
        }
    }

    /// <summary>
    /// Rounds with a draft, by the draft's length: for each the number of rounds that had 0, 1, … of its tokens accepted, as many counts as its length and one more. Lengths that did
    /// not occur are left out.
    /// </summary>
    /// <exception cref="ArgumentException">It is set to a length that there is not, or to another number of counts.</exception>
    public IReadOnlyDictionary<int, IReadOnlyList<int>> RoundsByDraftLength
    {
        get
        {
            Dictionary<int, IReadOnlyList<int>> rounds = [];
            for (int length = 1; RowOf(length + 1) <= _roundsByLength.Length; length++)
            {
                int[] row = _roundsByLength[RowOf(length)..RowOf(length + 1)];
                if (row.Any(count => count > 0))
                {
                    rounds[length] = row;
                }
            }

            return rounds;
        }
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach ((int length, IReadOnlyList<int> counts) in value)
            {
                if (length is < 1 or > DraftingOptions.MaxDraftLength || counts.Count != length + 1)
                {
                    throw new ArgumentException($"Drafts have 1 to {DraftingOptions.MaxDraftLength} tokens, and a length one count more than tokens: {length} has {counts.Count}.", nameof(value));
                }

                Reach(length);
                counts.ToArray().CopyTo(_roundsByLength, RowOf(length));
            }
        }
    }

    /// <summary>
    /// Mean acceptance length: tokens that a round gave, the accepted ones and the verifier's own, also where there was no draft; 1
    /// without a round.
    /// </summary>
    public double MeanAcceptanceLength => Rounds == 0 ? 1 : (double)OutputTokens / Rounds;

    /// <summary>accepted / drafted; null when nothing was drafted.</summary>
    public double? AcceptanceRate => Drafted == 0 ? null : (double)Accepted / Drafted;

    /// <summary>The sums in words.</summary>
    public override string ToString() => Drafted == 0
        ? $"nothing drafted in {Rounds} rounds"
        : FormattableString.Invariant(
            $"{Accepted} of {Drafted} draft tokens accepted ({100 * AcceptanceRate:f0} %) in {Rounds} rounds, {MeanAcceptanceLength:f2} tokens a round");

    internal void Add(in RoundRecord round)
    {
        _rounds++;
        _outputTokens += round.Appended;
        _drafted += round.Drafted;
        _lookedUp += round.LookedUp;
        _forced += round.Forced;
        _reasons[(int)round.Reason]++;
        _evaluated += round.Evaluated;
        _guessed += round.Guessed;
        _guessesTaken += round.GuessesTaken;
        _accepted += round.Accepted;
        _corrections += round.VerifierToken == TokenSource.Correction ? 1 : 0;
        _bonusTokens += round.VerifierToken == TokenSource.Bonus ? 1 : 0;
        _draftRows += round.DraftRows;
        _verifyRows += round.VerifyRows;
        _draftTime += round.DraftTime;
        _verifyTime += round.VerifyTime;
        _positions = Math.Max(_positions, round.Drafted);
        for (int i = 0; i < round.Accepted; i++)
        {
            _acceptedPerPosition[i]++;
        }

        if (round.Drafted > 0)
        {
            Reach(round.Drafted);
            _roundsByLength[RowOf(round.Drafted) + round.Accepted]++;
        }
    }

    internal void Add(DraftingStatistics other)
    {
        _rounds += other._rounds;
        _outputTokens += other._outputTokens;
        _drafted += other._drafted;
        _lookedUp += other._lookedUp;
        _forced += other._forced;
        for (int i = 0; i < _reasons.Length; i++)
        {
            _reasons[i] += other._reasons[i];
        }

        _evaluated += other._evaluated;
        _guessed += other._guessed;
        _guessesTaken += other._guessesTaken;
        _accepted += other._accepted;
        _corrections += other._corrections;
        _bonusTokens += other._bonusTokens;
        _draftRows += other._draftRows;
        _verifyRows += other._verifyRows;
        _draftTime += other._draftTime;
        _verifyTime += other._verifyTime;
        _positions = Math.Max(_positions, other._positions);
        for (int i = 0; i < other._positions; i++)
        {
            _acceptedPerPosition[i] += other._acceptedPerPosition[i];
        }

        if (other._roundsByLength.Length > _roundsByLength.Length)
        {
            Array.Resize(ref _roundsByLength, other._roundsByLength.Length);
        }

        for (int i = 0; i < other._roundsByLength.Length; i++)
        {
            _roundsByLength[i] += other._roundsByLength[i];
        }
    }

    // Where a length's counts begin.
    private static int RowOf(int length) => (length - 1) * (length + 2) / 2;

    // Room for a length, a few times in a text's life.
    private void Reach(int length)
    {
        if (RowOf(length + 1) > _roundsByLength.Length)
        {
            Array.Resize(ref _roundsByLength, RowOf(Math.Min(DraftingOptions.MaxDraftLength, Math.Max(8, 2 * length)) + 1));
        }
    }
}
