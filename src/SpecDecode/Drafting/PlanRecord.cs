using SpecDecode.Sampling;

namespace SpecDecode.Drafting;

/// <summary>What is known of a plan: how often its drafts are accepted, what its passes take, and what its verification takes.</summary>
internal sealed class PlanRecord
{
    // Before it was measured: a copy of the weights in lower precision takes about half of the time.
    private const double CopyShare = 0.5;

    // With a cascade a token takes less than a pass.
    private const double CascadeShare = 0.7;

    // Below this speed-up by its chances and what its passes are taken for, a cascade is not looked at.
    private const double LeastOfCascade = 0.9;

    // Outcomes of so many rounds are remembered, and as many rounds that came out as expected count from the start.
    internal const double OutcomeMemory = 100;
    private const double OutcomePrior = 10;

    // Steps to the first look behind a restart, at most.
    private const int FirstLook = 64;

    // No round counts for more over what was expected of it.
    internal const double MostOutcome = 4;

    private readonly AcceptanceCalibration[] _calibrations;
    private readonly CostCurve?[] _verifyCosts = new CostCurve?[BatchSize.Classes];
    private readonly CostCurve?[] _wideCosts = new CostCurve?[BatchSize.Classes];
    private CostCurve _draftCost = new(CostCurve.MostRows);
    private readonly MachinePace _pace;
    private readonly double _share;
    private readonly string _name;
    private readonly double _exactShare;
    private double _rounds;
    private double _ratios;

    /// <summary>A plan of which nothing is known.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layerBlocks">Blocks of the whole model.</param>
    /// <param name="pace">How slow the machine is.</param>
    /// <param name="same">A plan that drafts the same tokens in other passes, whose chances are this one's too; null where there is none.</param>
    public PlanRecord(DraftPlan plan, int layerBlocks, MachinePace pace, PlanRecord? same = null)
    {
        _pace = pace;
        _calibrations = same?._calibrations ?? [new(), new(), new()];
        Plan = plan;
        _share = (double)plan.Plan.Blocks.Length / layerBlocks * (plan.UsesDraftWeights ? CopyShare : 1) * (plan.Cascade is null ? 1 : CascadeShare);
        _name = plan.Cascade is null ? plan.Plan.ToString() : $"{plan.Plan}; {plan.Cascade}";
        _exactShare = plan.UsesDraftWeights ? 0 : (double)plan.Plan.ExactDepth / layerBlocks;
    }

    /// <summary>The plan.</summary>
    public DraftPlan Plan { get; }

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

    /// <summary>What its drafts were expected to bring in the last step that might take it: tokens per second over those of plain decoding; null before.</summary>
    public double? ExpectedSpeedup { get; set; }

    /// <summary>Draft tokens of it whose outcome is remembered, of all rules together.</summary>
    public double Judged => _calibrations[0].Weight + _calibrations[1].Weight + _calibrations[2].Weight;

    /// <summary>The calibration error over all rules, by their weight; 0 without any tokens.</summary>
    public double CalibrationError
    {
        get
        {
            double sum = 0;
            double weights = 0;
            foreach (AcceptanceCalibration calibration in _calibrations)
            {
                double weight = calibration.Weight;
                sum += weight * calibration.Error;
                weights += weight;
            }

            return weights > 0 ? sum / weights : 0;
        }
    }

    /// <summary>Whether it drafts what another plan does, which does so without a cascade or with another one.</summary>
    public bool DraftsAs(DraftPlan other) => Plan.Weights == other.Weights && Plan.Plan.Equals(other.Plan);

    /// <summary>Whether a look at it can tell anything: of a cascade only what it takes is not known from the plan, so its chances must be worth that.</summary>
    public bool IsWorthLook => Plan.Cascade is null || (Judged > 0 && ExpectedSpeedup >= LeastOfCascade);

    /// <summary>Whether a snapshot is of this plan.</summary>
    public bool IsOf(PlanState state) => state.UsesDraftWeights == Plan.UsesDraftWeights && state.Blocks == _name;

    /// <summary>A copy of what was learnt.</summary>
    public PlanState Snapshot() => new()
    {
        Blocks = _name, UsesDraftWeights = Plan.UsesDraftWeights, Calibrations = LearntLists.Snapshot(_calibrations),
        Draft = _draftCost.IsEmpty ? null : _draftCost.Snapshot(), Wide = LearntLists.Snapshot(_wideCosts), Verify = LearntLists.Snapshot(_verifyCosts),
        Rounds = _rounds, Ratios = _ratios,
        ProbeAfter = ProbeAfter, StepsToProbe = Math.Max(StepsToProbe, -ProbeSchedule.LastProbe), Looks = Looks,
    };

    /// <summary>Takes what a snapshot has in place of what was learnt; times as a prior.</summary>
    /// <param name="state">A snapshot that is sound.</param>
    public void Restore(PlanState state)
    {
        LearntLists.Restore(state.Calibrations, _calibrations);
        LearntLists.Restore(state.Verify, _verifyCosts);
        LearntLists.Restore(state.Wide, _wideCosts);
        _draftCost = LearntLists.Prior(state.Draft) ?? new CostCurve(CostCurve.MostRows);
        (_rounds, _ratios) = (state.Rounds, state.Ratios);

        // Soon beside a plan that pays, since its times are priors; where nothing pays no sooner than before, but for the first look.
        (ProbeAfter, StepsToProbe) = (state.ProbeAfter, Math.Min(state.StepsToProbe, FirstLook));
        Looks = Math.Min(state.Looks, ProbeSchedule.FewLooks - ProbeSchedule.LooksAnew);
    }

    /// <summary>The chances of its drafts under a rule.</summary>
    public AcceptanceCalibration Of(AcceptanceRule rule) => _calibrations[(int)rule];

    /// <summary>Seconds of a pass of the drafter that adds a token to each draft, at the machine's usual pace; with a cascade, of a token's part of one.</summary>
    public double DraftTime(int rows, PlainRecord plain, int sequences) => _draftCost.IsEmpty ? _share * plain.Time(sequences, rows) : _draftCost.At(rows);

    /// <summary>Seconds of a drafter's first pass that runs rows of proposed tokens too, at the machine's usual pace. It scores one row for each draft.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="drafts">Drafts in it.</param>
    /// <param name="plain">What passes without kept rows take.</param>
    /// <param name="sequences">Sequences in the step.</param>
    public double WideTime(int rows, int drafts, PlainRecord plain, int sequences)
    {
        double narrow = DraftTime(drafts, plain, sequences);
        CostCurve? curve = _wideCosts[BatchSize.Of(drafts)];
        return rows == drafts ? narrow
            : curve is { IsEmpty: false } ? Math.Max(narrow, curve.At(rows))
            : narrow + _share * (plain.Time(sequences, rows) - plain.Time(sequences, drafts));
    }

    /// <summary>
    /// Takes a measured pass of the drafter. One with rows of proposed tokens says nothing about those with a row for each draft. What counts is what a token takes: of a cascade a
    /// pass adds several.
    /// </summary>
    public void AddDraftPass(DraftPass pass)
    {
        if (Plan.Cascade is not null)
        {
            if (!pass.RunsProposed && pass.Tokens > 0)
            {
                _pace.Add(_draftCost, pass.Drafts, pass.Time.TotalSeconds * pass.Drafts / pass.Tokens);
            }

            return;
        }

        bool isWide = pass.Rows > pass.Drafts;
        CostCurve curve = isWide ? _wideCosts[BatchSize.Of(pass.Drafts)] ??= new CostCurve(CostCurve.MostRows) : _draftCost;
        _pace.Add(curve, pass.Rows, pass.Time.TotalSeconds);
    }

    /// <summary>Seconds of a verifying pass, at the machine's usual pace.</summary>
    /// <param name="sequences">Sequences in it.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="plainRows">Those that are no drafts.</param>
    /// <param name="plain">What passes without kept rows take.</param>
    public double VerifyTime(int sequences, int rows, int plainRows, PlainRecord plain)
    {
        // A row more costs no less: where drafts are verified all the time and plain passes are rare, those say more about these.
        CostCurve? curve = _verifyCosts[BatchSize.Of(sequences)];
        if (rows == plainRows)
        {
            double plainTime = plain.Time(sequences, rows);
            return curve?.IsKnown(rows + 1) == true ? Math.Min(plainTime, curve.At(rows + 1)) : plainTime;
        }

        // The first blocks of it run with as many rows as there are without drafts.
        return curve is { IsEmpty: false }
            ? curve.At(rows)
            : _exactShare * plain.Time(sequences, plainRows) + (1 - _exactShare) * plain.Time(sequences, rows);
    }

    /// <summary>Whether a draft of a step may take the plan.</summary>
    public bool IsAllowed(DraftStep drafts) => Allowed(drafts) > 0;

    /// <summary>How many drafts of a step may take the plan.</summary>
    public int Allowed(DraftStep drafts)
    {
        int count = 0;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            count += drafts.Drafts[i].Allows(Plan) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Takes what became of the tokens of a draft that the drafter made; only of those that were judged: what others were must decide nothing later.</summary>
    public void Learn(SequenceDraft draft)
    {
        AutoSequence state = AutoSequence.Of(draft);
        AcceptanceCalibration calibration = Of(draft.Rule);
        ReadOnlySpan<float> confidences = draft.Confidences;
        for (int i = draft.Proposed; i < draft.Evaluated; i++)
        {
            double chance = calibration.Chance(confidences[i]);
            if (i > draft.Proposed)
            {
                calibration.AddNext(confidences[i - 1], chance);
            }
            else if (draft.Proposed > 0)
            {
                calibration.AddBehind(chance);
            }
            else
            {
                calibration.AddFirst(chance);
            }

            state.Add(chance, i < draft.Accepted);
            calibration.Add(confidences[i], i < draft.Accepted);
        }
    }

    /// <summary>Takes a measured verifying pass.</summary>
    public void AddVerification(int sequences, int rows, double seconds) =>
        _pace.Add(_verifyCosts[BatchSize.Of(sequences)] ??= new CostCurve(CostCurve.MostRows), rows, seconds);

    /// <summary>Lets what its rounds brought count for half: it is old where others were taken since, and the correction would stay for ever.</summary>
    public void FadeOutcomes()
    {
        _rounds /= 2;
        _ratios /= 2;
        foreach (AcceptanceCalibration calibration in _calibrations)
        {
            calibration.FadeBehind();
        }
    }

    /// <summary>Notes what a round brought: tokens in seconds, against what was expected.</summary>
    public void NoteOutcome(double tokens, double seconds, double expectedTokens, double expectedSeconds)
    {
        if (seconds > 0 && expectedTokens > 0 && expectedSeconds > 0)
        {
            double kept = 1 - 1 / OutcomeMemory;
            _rounds = _rounds * kept + 1;
            _ratios = _ratios * kept + Math.Clamp(tokens / _pace.Normal(seconds) * expectedSeconds / expectedTokens, 0, MostOutcome);
        }
    }
}
