
namespace SpecDecode.Drafting;

/// <summary>The sums of a request's round records.</summary>
public sealed class DraftStatistics
{
    private readonly long[] _acceptedPerPosition = new long[DraftOptions.MaxLength];
    private int _positions;

    /// <summary>Steps that gave tokens after the first new one, those without a draft included.</summary>
    public long Rounds { get; private set; }

    /// <summary>Tokens that the drafter proposed.</summary>
    public long Drafted { get; private set; }

    /// <summary>Draft tokens that acceptance looked at.</summary>
    public long Evaluated { get; private set; }

    /// <summary>Draft tokens that became output.</summary>
    public long Accepted { get; private set; }

    /// <summary>Draft tokens that did not.</summary>
    public long Discarded => Drafted - Accepted;

    /// <summary>Rounds that ended with the verifier's token in place of a draft token.</summary>
    public long Corrections { get; private set; }

    /// <summary>Rounds whose whole draft was accepted and that gained one more token.</summary>
    public long Bonuses { get; private set; }

    /// <summary>Rows that the drafter ran.</summary>
    public long DraftRows { get; private set; }

    /// <summary>Rows that the verifier ran at full depth.</summary>
    public long VerifyRows { get; private set; }

    /// <summary>The rows' share of the steps' draft passes.</summary>
    public TimeSpan DraftTime { get; private set; }

    /// <summary>The rows' share of the steps' verifying passes.</summary>
    public TimeSpan VerifyTime { get; private set; }

    /// <summary>For each position of a draft how many tokens were accepted there; as long as the longest draft.</summary>
    public IReadOnlyList<long> AcceptedPerPosition => _acceptedPerPosition[.._positions];

    /// <summary>1 + accepted / rounds: tokens that a round gives, also where there was no draft; 1 without a round.</summary>
    public double MeanAcceptanceLength => Rounds == 0 ? 1 : 1 + (double)Accepted / Rounds;

    /// <summary>accepted / drafted; null when nothing was drafted.</summary>
    public double? AcceptanceRate => Drafted == 0 ? null : (double)Accepted / Drafted;

    internal void Add(in RoundRecord round)
    {
        Rounds++;
        Drafted += round.Drafted;
        Evaluated += round.Evaluated;
        Accepted += round.Accepted;
        Corrections += round.Last == LastToken.Correction ? 1 : 0;
        Bonuses += round.Last == LastToken.Bonus ? 1 : 0;
        DraftRows += round.DraftRows;
        VerifyRows += round.VerifyRows;
        DraftTime += round.DraftTime;
        VerifyTime += round.VerifyTime;
        _positions = Math.Max(_positions, round.Drafted);
        for (int i = 0; i < round.Accepted; i++)
        {
            _acceptedPerPosition[i]++;
        }
    }

    internal void Add(DraftStatistics other)
    {
        Rounds += other.Rounds;
        Drafted += other.Drafted;
        Evaluated += other.Evaluated;
        Accepted += other.Accepted;
        Corrections += other.Corrections;
        Bonuses += other.Bonuses;
        DraftRows += other.DraftRows;
        VerifyRows += other.VerifyRows;
        DraftTime += other.DraftTime;
        VerifyTime += other.VerifyTime;
        _positions = Math.Max(_positions, other._positions);
        for (int i = 0; i < other._positions; i++)
        {
            _acceptedPerPosition[i] += other._acceptedPerPosition[i];
        }
    }
}
