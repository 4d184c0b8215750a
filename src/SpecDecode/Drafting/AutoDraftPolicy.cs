namespace SpecDecode.Drafting;

/// <summary>
/// Drafts as far as it is expected to pay: a token is drafted while what it adds in expected tokens is worth more than the time it takes,
/// over all sequences of the step together. What it expects it learns from what it sees: chances from the drafter's confidence
/// (<see cref="AcceptanceCalibration"/>), times by rows (<see cref="CostCurve"/>). docs/drafting.md has the formulas.
/// </summary>
/// <remarks>
/// Vocabulary of the code: a step's <em>value</em> is expected tokens over expected time; the <em>rate</em> that the decisions are made
/// at is the best value of the step, so that a token with chance c that costs t seconds more is worth drafting where c &gt; rate · t
/// (Dinkelbach's way to maximise a ratio). Knows no clock: times are told.
/// </remarks>
internal sealed class AutoDraftPolicy : IDraftPolicy
{
    // A plan is taken in place of plain decoding when it promises this much more, so that noise alone decides nothing.
    internal const double LeastGain = 1.02;

    // Where others draft in every step, what a plain one takes is never measured; after so many steps what is known of similar ones has to do.
    private const int MostUnknownSteps = 8;

    // A probe drafts so many tokens at most: enough for the chances, and cheap where none is accepted.
    internal const int ProbeLength = 2;

    private readonly PlanRecords _records;
    private readonly DraftForecast _forecast;
    private readonly ProbeSchedule _probes;
    private readonly MostPromising _candidates = new();
    private readonly TextProposals _proposals;
    private readonly PlainRecord _plain;
    private readonly MachinePace _pace = new();

    // Of the step that runs.
    private double _rate;
    private PlanRecord? _stepPlan;
    private double _expectedTokens;
    private double _expectedTime;
    private bool _isProbe;
    private int _unknownSteps;
    private long _turn;

    // What it decided last, and the plan that was last drafted by.
    private bool _isChosen;
    private PlanRecord? _preferred;
    private PlanRecord? _lastDrafted;

    /// <summary>A policy that has seen nothing.</summary>
    /// <param name="layerCount">Layers of the model.</param>
    public AutoDraftPolicy(int layerCount)
    {
        _plain = new PlainRecord(_pace);
        _records = new PlanRecords(2 * layerCount, _pace);
        _forecast = new DraftForecast(_plain);
        _probes = new ProbeSchedule(_records);
        _proposals = new TextProposals(_plain, _forecast);
    }

    /// <summary>What the last step's drafts were expected to bring: tokens per second over those of plain decoding; 1 where nothing was drafted.</summary>
    public double ExpectedSpeedup { get; private set; } = 1;

    /// <summary>Steps that it was asked about.</summary>
    public long Steps => _turn;

    /// <summary>What it thinks now.</summary>
    public DraftChoice Choice => new(_isChosen, _preferred?.Plan, ExpectedSpeedup, Told?.CalibrationError ?? 0, Told?.Judged ?? 0);

    // Of which plan the choice says how far its chances can be believed.
    private PlanRecord? Told => _preferred ?? _lastDrafted;

    /// <summary>What is known of the plans that were ever allowed, in the order in which they came.</summary>
    public IEnumerable<PlanRecord> Records => Enumerable.Range(0, _records.Count).Select(i => _records[i]);

    /// <summary>A copy of what was learnt about model and machine; what is known of single texts is not in it.</summary>
    public PolicyState Snapshot()
    {
        (CalibrationState[] agreed, CalibrationState[] doubted) = _proposals.Record.Snapshot();
        return new PolicyState { Plain = _plain.Snapshot(), Plans = _records.Snapshot(), Lookup = agreed, DoubtedLookup = doubted };
    }

    /// <summary>Takes what a snapshot has in place of what was learnt. Times are priors: what is measured from now on soon decides over them.</summary>
    /// <param name="state">A snapshot, from wherever.</param>
    /// <returns>Whether it could have come about; else nothing is taken.</returns>
    public bool TryRestore(PolicyState? state)
    {
        if (state?.IsSound() != true)
        {
            return false;
        }

        _plain.Restore(state.Plain);
        _records.Restore(state.Plans);
        _proposals.Record.Restore(state.Lookup, state.DoubtedLookup);
        _pace.BeginAnew();
        _probes.BeginAnew();
        return true;
    }

    /// <inheritdoc/>
    public void Plan(DraftStep drafts)
    {
        _turn++;
        _stepPlan = null;
        _isProbe = false;
        int count = drafts.Drafts.Count;
        for (int i = 0; i < count; i++)
        {
            _records.GetToKnow(drafts.Drafts[i].Plans);
        }

        double plainTime = _plain.Time(drafts.Sequences, drafts.PlainRows);
        for (int i = 0; i < _records.Count; i++)
        {
            plainTime = Math.Min(plainTime, _records[i].VerifyTime(drafts.Sequences, drafts.PlainRows, drafts.PlainRows, _plain));
        }

        int writers = drafts.PlainRows - drafts.PromptRows;
        double plainRate = writers / plainTime;
        _rate = plainRate;
        ExpectedSpeedup = 1;

        _unknownSteps = _plain.Knows(drafts.Sequences, drafts.PlainRows) ? 0 : _unknownSteps + 1;
        if (_plain.IsEmpty || (_unknownSteps is > 0 and <= MostUnknownSteps && drafts.PromptRows == 0))
        {
            ExplainAll(drafts, DraftReason.Probing);
            return;
        }

        PlanRecord? best = null;
        double bestValue = plainRate * LeastGain;
        PlanRecord? nearest = null;
        double nearestValue = 0;
        for (int i = 0; i < _records.Count; i++)
        {
            if (_records[i].IsAllowed(drafts))
            {
                double value = _forecast.Value(drafts, _records[i]);
                _records[i].ExpectedSpeedup = value / plainRate;
                if (value > bestValue)
                {
                    (best, bestValue) = (_records[i], value);
                }

                if (value > nearestValue)
                {
                    (nearest, nearestValue) = (_records[i], value);
                }
            }
        }

        _isChosen = true;
        _preferred = best;
        if (best is not null)
        {
            _rate = bestValue;
            ExpectedSpeedup = bestValue / plainRate;
        }

        if (_probes.NextPlan(drafts, best) is { } probe)
        {
            _isProbe = true;
            _forecast.Value(drafts, probe);
            Begin(drafts, probe, best is null ? ProbeLength : int.MaxValue, DraftReason.Probing);
            return;
        }

        if (best is not null && _probes.IsPlainDue())
        {
            _isProbe = true;
            ExplainAll(drafts, DraftReason.Probing);
            return;
        }

        // Where no plan pays by itself the nearest to it may behind a proposal, which has paid already for what two rows take over one.
        double premium = best is null ? 0 : (_rate * plainTime - writers) / Math.Max(1, count);
        bool goesOn = _proposals.Take(drafts, new ProposalTerms(_rate, premium, best ?? nearest, best is not null));
        if (best is not null || goesOn)
        {
            Begin(drafts, (best ?? nearest)!, int.MaxValue, DraftReason.Drafted, behindProposalsAlone: best is null);
        }

        if (best is not null)
        {
            return;
        }

        for (int i = 0; i < count; i++)
        {
            if (drafts.Drafts[i].Length == 0)
            {
                drafts.Drafts[i].Explain(drafts.Sequences > 1 && _forecast.PaysAlone(_records, drafts.Drafts[i], LeastGain) ? DraftReason.Busy : DraftReason.NotWorthIt);
            }
        }
    }

    /// <inheritdoc/>
    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        // Not that of the pass's plan, which may be the equal one of a sequence that follows another policy.
        if (_stepPlan is not { } record)
        {
            return;
        }

        record.AddDraftPass(pass);

        // Those that could go on, the most promising first; of equal ones another is first in each step.
        int rows = drafts.PlainRows;
        int count = drafts.Drafts.Count;
        _candidates.Clear();
        for (int i = 0; i < count; i++)
        {
            int place = (int)((i + _turn) % count);
            SequenceDraft draft = drafts.Drafts[place];
            rows += draft.Length;
            if (draft is { IsInPass: true, WantsToken: true })
            {
                _candidates.Add(place, DraftForecast.Gain(record, draft));
            }
        }

        // As many of them as are worth it together: a pass costs nearly the same for one row as for two.
        double gain = 0;
        double bestNet = 0;
        int going = 0;
        for (int i = 0; i < _candidates.Count; i++)
        {
            gain += _candidates.Gain(i);
            double cost = record.DraftTime(i + 1, _plain, drafts.Sequences)
                + record.VerifyTime(drafts.Sequences, rows + i + 1, drafts.PlainRows, _plain)
                - record.VerifyTime(drafts.Sequences, rows, drafts.PlainRows, _plain);
            double net = gain - _rate * cost;
            if (net > bestNet)
            {
                (going, bestNet) = (i + 1, net);
            }
        }

        for (int i = going; i < _candidates.Count; i++)
        {
            drafts.Drafts[_candidates.Place(i)].Stop();
        }
    }

    /// <inheritdoc/>
    public void Observe(DraftStep drafts)
    {
        if (_isProbe && _stepPlan is { } probed)
        {
            _probes.Observe(drafts, probed);
        }

        PlanRecord? drafted = null;
        bool isMixed = drafts.OtherDraftRows > 0 || drafts.PromptRows > 0;
        bool isLookedUp = false;
        bool hasWholeRows = false;
        int tokens = drafts.PlainRows - drafts.PromptRows;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            tokens += draft.Accepted;
            if (draft.Length == 0)
            {
                continue;
            }

            if (draft.Proposed > 0)
            {
                _proposals.Learn(draft);
                isLookedUp = true;
            }

            // Behind proposed tokens verification takes up as many kept rows as behind a draft of that length.
            if (draft.RowsRun == 0)
            {
                hasWholeRows = true;
            }
            else if (_records.Of(draft.Plan!) is { } record)
            {
                isMixed |= drafted is not null && drafted != record;
                drafted = record;
                record.Learn(draft);
            }
        }

        isMixed |= hasWholeRows && drafted is not null;

        // Beside the drafts of others a pass is much like one of so many rows: better than nothing.
        bool isLikePlain = drafted is null && drafts.PromptRows == 0 && _unknownSteps > 0;
        if ((!isMixed || isLikePlain) && drafts.VerifyRows is > 0 and <= CostCurve.MostRows)
        {
            double seconds = drafts.VerifyTime.TotalSeconds;
            if (drafted is null)
            {
                _plain.Add(drafts.Sequences, drafts.VerifyRows, seconds);
            }
            else
            {
                drafted.AddVerification(drafts.Sequences, drafts.VerifyRows, seconds);
            }
        }

        _lastDrafted = drafted ?? _lastDrafted;
        if (drafted is not null && drafted == _stepPlan && !isMixed && !isLookedUp && !_isProbe)
        {
            drafted.NoteOutcome(tokens, (drafts.DraftTime + drafts.VerifyTime).TotalSeconds, _expectedTokens, _expectedTime);
        }
    }

    private static void ExplainAll(DraftStep drafts, DraftReason reason)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            drafts.Drafts[i].Explain(reason);
        }
    }

    private void Begin(DraftStep drafts, PlanRecord record, int length, DraftReason reason, bool behindProposalsAlone = false)
    {
        _stepPlan = record;
        _expectedTokens = record.ExpectedTokens;
        _expectedTime = record.ExpectedTime;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            AutoSequence state = AutoSequence.Of(draft);
            if (draft.Allows(record.Plan) && (draft.Length > 0 ? state.GoesOn : !behindProposalsAlone))
            {
                // As far as it is trusted: confidences of which nothing is known yet may all be wrong.
                bool isLook = draft.Length > 0 && state.IsLookBehind;
                int trusted = isLook ? ProbeLength : Math.Min(length, ProbeLength + (int)record.Of(draft.Rule).Weight);
                draft.Choose(record.Plan, Math.Min(draft.Length + Math.Min(trusted, draft.Limit), draft.Limit));
                draft.Explain(isLook ? DraftReason.Probing : reason);
            }
        }
    }
}
