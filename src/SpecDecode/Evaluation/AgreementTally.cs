namespace SpecDecode.Evaluation;

/// <summary>How often a plan's best token was the full model's, by place in a draft.</summary>
/// <param name="length">Places; at least 1.</param>
internal sealed class AgreementTally(int length)
{
    // A chance is believed as if so many tokens of the mean chance had been seen beside those that were.
    private const double PriorTokens = 2;

    private readonly int[] _reached = new int[length];
    private readonly int[] _agreed = new int[length];

    /// <summary>Takes counts that were noted elsewhere; null where they are none that could have come about.</summary>
    /// <param name="reached"><see cref="Reached"/>.</param>
    /// <param name="agreed"><see cref="Agreed"/>.</param>
    /// <param name="length">Places that there must be, or fewer.</param>
    public static AgreementTally? TryRestore(ReadOnlySpan<int> reached, ReadOnlySpan<int> agreed, int length)
    {
        if (reached.Length != agreed.Length || reached.Length < 1 || reached.Length > length)
        {
            return null;
        }

        for (int place = 0; place < reached.Length; place++)
        {
            if (agreed[place] < 0 || agreed[place] > reached[place] || (place > 0 && reached[place] > agreed[place - 1]))
            {
                return null;
            }
        }

        AgreementTally tally = new(reached.Length);
        reached.CopyTo(tally._reached);
        agreed.CopyTo(tally._agreed);
        return tally;
    }

    /// <summary>Places of a draft.</summary>
    public int Length => _reached.Length;

    /// <summary>For each place: drafts in which all tokens before it agreed, so that a real draft would have come to it.</summary>
    public ReadOnlySpan<int> Reached => _reached;

    /// <summary>For each place: those of them whose token agreed there too.</summary>
    public ReadOnlySpan<int> Agreed => _agreed;

    /// <summary>Drafts that were judged.</summary>
    public int Drafts => _reached[0];

    /// <summary>
    /// The share of judged tokens that agreed: what a plan is ranked by where costs are the same. 0 where nothing was judged.
    /// </summary>
    public double Share => Sum(_reached) is var reached and > 0 ? (double)Sum(_agreed) / reached : 0;

    /// <summary>Tokens that a draft of some length is expected to have accepted.</summary>
    /// <param name="draftLength">1 to <see cref="Length"/>.</param>
    public double ExpectedAccepted(int draftLength)
    {
        double expected = 0;
        double survival = 1;
        for (int place = 0; place < draftLength; place++)
        {
            survival *= Chance(place);
            expected += survival;
        }

        return expected;
    }

    /// <summary>
    /// The chance that a token is accepted where all before it were. Places that few drafts reach lean on the mean over all places.
    /// </summary>
    /// <param name="place">From 0 to <see cref="Length"/> − 1.</param>
    public double Chance(int place) => (_agreed[place] + PriorTokens * Share) / (_reached[place] + PriorTokens);

    /// <summary>Notes a draft.</summary>
    /// <param name="agreed">How many of its first tokens agreed.</param>
    /// <param name="drafted">How many it had; 1 to <see cref="Length"/>.</param>
    public void Add(int agreed, int drafted)
    {
        for (int place = 0; place < drafted && place <= agreed; place++)
        {
            _reached[place]++;
            _agreed[place] += place < agreed ? 1 : 0;
        }
    }

    /// <summary>Adds what another one has.</summary>
    /// <param name="other">One of the same length.</param>
    public void Add(AgreementTally other)
    {
        for (int place = 0; place < Length; place++)
        {
            _reached[place] += other._reached[place];
            _agreed[place] += other._agreed[place];
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_reached);
        Array.Clear(_agreed);
    }

    private static long Sum(int[] counts)
    {
        long sum = 0;
        foreach (int count in counts)
        {
            sum += count;
        }

        return sum;
    }
}
