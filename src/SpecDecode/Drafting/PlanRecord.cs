using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>What is known of a plan: how often its drafts are accepted, what its passes take, and what its verification takes.</summary>
internal sealed class PlanRecord
{
    // Before it was measured: a copy of the weights in lower precision takes about half of the time.
    private const double CopyShare = 0.5;

    // Outcomes of so many rounds are remembered, and as many rounds that came out as expected count from the start.
    private const double OutcomeMemory = 100;
    private const double OutcomePrior = 10;

    private readonly AcceptanceCalibration[] _calibrations = [new(), new(), new()];
    private readonly CostCurve?[] _verifyCosts = new CostCurve?[BatchSize.Classes];
    private readonly double _share;
    private readonly double _exactShare;
    private double _rounds;
    private double _ratios;

    /// <summary>A plan of which nothing is known.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layerBlocks">Blocks of the whole model.</param>
    public PlanRecord(DraftPlan plan, int layerBlocks)
    {
        Plan = plan;
        _share = (double)plan.Plan.Blocks.Length / layerBlocks * (plan.UsesDraftWeights ? CopyShare : 1);
        _exactShare = plan.UsesDraftWeights ? 0 : (double)plan.Plan.ExactDepth / layerBlocks;
    }

    /// <summary>The plan.</summary>
    public DraftPlan Plan { get; }

    /// <summary>Seconds of a pass of the drafter, by rows.</summary>
    public CostCurve DraftCost { get; } = new(CostCurve.MostRows);

    /// <summary>Steps until it is looked at again, while another is taken.</summary>
    public int StepsToProbe { get; set; } = 16;

    /// <summary>Steps between one look at it and the next.</summary>
    public int ProbeAfter { get; set; } = 16;

    /// <summary>Looks at it so far.</summary>
    public int Looks { get; set; }

    /// <summary>Tokens that its best length is expected to bring in this step, all sequences together.</summary>
    public double ExpectedTokens { get; set; }

    /// <summary>Seconds that this takes.</summary>
    public double ExpectedTime { get; set; }

    /// <summary>What its rounds brought in tokens per second, over what was expected of them.</summary>
    public double Correction => (_ratios + OutcomePrior) / (_rounds + OutcomePrior);

    /// <summary>The chances of its drafts under a rule.</summary>
    public AcceptanceCalibration Of(AcceptanceRule rule) => _calibrations[(int)rule];

    /// <summary>Seconds of a pass of the drafter.</summary>
    public double DraftTime(int rows, PlainRecord plain, int sequences) => DraftCost.IsEmpty ? _share * plain.Time(sequences, rows) : DraftCost.At(rows);

    /// <summary>Seconds of a verifying pass.</summary>
    /// <param name="sequences">Sequences in it.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="plainRows">Those that are no drafts.</param>
    /// <param name="plain">What passes without kept rows take.</param>
    public double VerifyTime(int sequences, int rows, int plainRows, PlainRecord plain)
    {
        if (rows == plainRows)
        {
            return plain.Time(sequences, rows);
        }

        // The first blocks of it run with as many rows as there are without drafts.
        int size = BatchSize.Of(sequences);
        return _verifyCosts[size] is { IsEmpty: false } curve
            ? Math.Max(curve.At(rows), plain.Time(sequences, plainRows))
            : _exactShare * plain.Time(sequences, plainRows) + (1 - _exactShare) * plain.Time(sequences, rows);
    }

    /// <summary>Takes a measured verifying pass.</summary>
    public void AddVerification(int sequences, int rows, double seconds) =>
        (_verifyCosts[BatchSize.Of(sequences)] ??= new CostCurve(CostCurve.MostRows)).Add(rows, seconds);

    /// <summary>Lets what its rounds brought count for half: it is old where others were taken since, and the correction would stay for ever.</summary>
    public void FadeOutcomes()
    {
        _rounds /= 2;
        _ratios /= 2;
    }

    /// <summary>Notes what a round brought.</summary>
    public void NoteOutcome(double tokens, double seconds, double expectedTokens, double expectedSeconds)
    {
        if (seconds > 0 && expectedTokens > 0 && expectedSeconds > 0)
        {
            double kept = 1 - 1 / OutcomeMemory;
            _rounds = _rounds * kept + 1;
            _ratios = _ratios * kept + Math.Clamp(tokens / seconds * expectedSeconds / expectedTokens, 0, 4);
        }
    }
}
