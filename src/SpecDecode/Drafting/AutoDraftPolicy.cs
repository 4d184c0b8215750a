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
    private const double LeastGain = 1.02;

    // What is not known is looked at after so many steps, and the less often the longer it proves to be no better.
    private const int FirstProbe = 16;
    private const int LastProbe = 512;
    private const int FewLooks = 8;

    // Where others draft in every step, what a plain one takes is never measured; after so many steps what is known of similar ones has to do.
    private const int MostUnknownSteps = 8;

    // A look whose first token was right although its chance was said to be below this is a surprise: the next one comes at once.
    private const double Unlikely = 0.5;

    // While drafts pay, one plain step in so many keeps its time known.
    private const int PlainProbe = 64;

    // A probe drafts so many tokens at most: enough for the chances, and cheap where none is accepted.
    private const int ProbeLength = 2;

    // One for each plan that was ever allowed.
    private readonly List<PlanRecord> _records = [];
    private readonly LookupRecord _lookup = new();
    private readonly MachinePace _pace = new();
    private readonly PlainRecord _plain;
    private readonly int _layerBlocks;

    // The list of plans that was looked at last, mostly the same one.
    private IReadOnlyList<DraftPlan>? _known;

    // Scratch for one step.
    private int[] _order = [];
    private double[] _gains = [];
    private double _rate;
    private PlanRecord? _stepPlan;
    private double _expectedTokens;
    private double _expectedTime;
    private bool _isProbe;
    private bool _paysPlainly;
    private int _plainSteps;
    private int _unknownSteps;
    private long _turn;

    /// <summary>A policy that has seen nothing.</summary>
    /// <param name="layerCount">Layers of the model.</param>
    public AutoDraftPolicy(int layerCount)
    {
        _layerBlocks = 2 * layerCount;
        _plain = new PlainRecord(_pace);
    }

    /// <summary>What the last step's drafts were expected to bring: tokens per second over those of plain decoding; 1 where nothing was drafted.</summary>
    public double ExpectedSpeedup { get; private set; } = 1;

    /// <inheritdoc/>
    public void Plan(DraftStep drafts)
    {
        _turn++;
        _stepPlan = null;
        _isProbe = false;
        _paysPlainly = false;
        int count = drafts.Drafts.Count;
        EnsureRoom(count);
        for (int i = 0; i < count; i++)
        {
            GetToKnow(drafts.Drafts[i].Plans);
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
        for (int i = 0; i < _records.Count; i++)
        {
            if (IsAllowed(drafts, _records[i]))
            {
                double value = Value(drafts, _records[i], writers);
                if (value > bestValue)
                {
                    (best, bestValue) = (_records[i], value);
                }
            }
        }

        if (best is not null)
        {
            _rate = bestValue;
            ExpectedSpeedup = bestValue / plainRate;
        }

        if (best is not null && _plainSteps >= LastProbe / 4)
        {
            // Another time begins, in which another plan may be the best.
            ForgetLooks();
        }

        _plainSteps = best is null ? _plainSteps + 1 : 0;
        PlanRecord? probe = DueProbe(drafts, best);
        if (probe is not null)
        {
            _isProbe = true;
            _paysPlainly = best is null;
            Begin(drafts, probe, best is null ? ProbeLength : int.MaxValue, DraftReason.Probing);
            return;
        }

        if (best is not null && --_plain.StepsToProbe <= 0)
        {
            _plain.StepsToProbe = PlainProbe;
            _isProbe = true;
            ExplainAll(drafts, DraftReason.Probing);
            return;
        }

        LookUp(drafts, best is null ? 0 : (_rate * plainTime - writers) / Math.Max(1, count));
        if (best is not null)
        {
            Begin(drafts, best, int.MaxValue, DraftReason.Drafted);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            if (drafts.Drafts[i].Length == 0)
            {
                drafts.Drafts[i].Explain(drafts.Sequences > 1 && PaysAlone(drafts.Drafts[i]) ? DraftReason.Busy : DraftReason.NotWorthIt);
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

        record.AddDraftPass(pass.Rows, pass.Time.TotalSeconds);

        // Those that could go on, the most promising first; of equal ones another is first in each step.
        int rows = drafts.PlainRows;
        int candidates = 0;
        int count = drafts.Drafts.Count;
        for (int i = 0; i < count; i++)
        {
            int place = (int)((i + _turn) % count);
            SequenceDraft draft = drafts.Drafts[place];
            rows += draft.Length;
            if (draft is { IsInPass: true, WantsToken: true })
            {
                Insert(candidates++, place, Gain(record, draft));
            }
        }

        // As many of them as are worth it together: a pass costs nearly the same for one row as for two.
        double gain = 0;
        double bestNet = 0;
        int going = 0;
        for (int i = 0; i < candidates; i++)
        {
            gain += _gains[i];
            double cost = record.DraftTime(i + 1, _plain, drafts.Sequences)
                + record.VerifyTime(drafts.Sequences, rows + i + 1, drafts.PlainRows, _plain)
                - record.VerifyTime(drafts.Sequences, rows, drafts.PlainRows, _plain);
            double net = gain - _rate * cost;
            if (net > bestNet)
            {
                (going, bestNet) = (i + 1, net);
            }
        }

        for (int i = going; i < candidates; i++)
        {
            drafts.Drafts[_order[i]].Stop();
        }
    }

    /// <inheritdoc/>
    public void Observe(DraftStep drafts)
    {
        if (_paysPlainly && _stepPlan is { } probed && IsSurprise(drafts, probed))
        {
            probed.ProbeAfter = Math.Max(FirstProbe, probed.ProbeAfter / 2);
            probed.StepsToProbe = 1;
        }

        PlanRecord? drafted = null;
        bool isMixed = drafts.OtherDraftRows > 0 || drafts.PromptRows > 0;
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
                Learn(_lookup, draft);
            }
            else if (RecordOf(draft.Plan!) is { } record)
            {
                isMixed |= drafted is not null && drafted != record;
                drafted = record;
                Learn(record, draft);
            }

            isMixed |= draft.Proposed > 0 && drafted is not null;
        }

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

        if (drafted is not null && drafted == _stepPlan && !isMixed && !_isProbe)
        {
            drafted.NoteOutcome(tokens, (drafts.DraftTime + drafts.VerifyTime).TotalSeconds, _expectedTokens, _expectedTime);
        }
    }

    private static AutoSequence StateOf(SequenceDraft draft)
    {
        if (draft.State is not AutoSequence state)
        {
            state = new AutoSequence(draft.Capacity);
            draft.State = state;
        }

        return state;
    }

    private static bool Allows(SequenceDraft draft, PlanRecord record)
    {
        IReadOnlyList<DraftPlan> plans = draft.Plans;
        for (int i = 0; i < plans.Count; i++)
        {
            if (ReferenceEquals(plans[i], record.Plan))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsAllowed(DraftStep drafts, PlanRecord record)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            if (Allows(drafts.Drafts[i], record))
            {
                return true;
            }
        }

        return false;
    }

    private static void ExplainAll(DraftStep drafts, DraftReason reason)
    {
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            drafts.Drafts[i].Explain(reason);
        }
    }

    // The best expected tokens per second of a plan over all lengths, by what its drafts brought until now against what was expected of them.
    private double Value(DraftStep drafts, PlanRecord record, int writers)
    {
        int longest = 0;
        int drafting = 0;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            _gains[i] = Allows(draft, record) ? StateOf(draft).Correct(record.Of(draft.Rule).First) : 0;
            longest = _gains[i] > 0 ? Math.Max(longest, draft.Limit) : longest;
            drafting += _gains[i] > 0 ? 1 : 0;
        }

        if (drafting == 0)
        {
            return 0;
        }

        double tokens = writers;
        double draftTime = 0;
        double best = 0;
        double pass = record.DraftTime(drafting, _plain, drafts.Sequences);
        for (int length = 1; length <= longest; length++)
        {
            double gain = 0;
            for (int i = 0; i < drafts.Drafts.Count; i++)
            {
                SequenceDraft draft = drafts.Drafts[i];
                gain += length <= draft.Limit ? _gains[i] : 0;
                _gains[i] *= StateOf(draft).Correct(record.Of(draft.Rule).Mean);
            }

            tokens += gain;
            draftTime += pass;
            double time = draftTime + record.VerifyTime(drafts.Sequences, drafts.PlainRows + drafting * length, drafts.PlainRows, _plain);
            double value = tokens / time;
            if (value <= best)
            {
                break;
            }

            best = value;
            record.ExpectedTokens = tokens;
            record.ExpectedTime = time;
        }

        return best * record.Correction;
    }

    private void Begin(DraftStep drafts, PlanRecord record, int length, DraftReason reason)
    {
        _stepPlan = record;
        _expectedTokens = record.ExpectedTokens;
        _expectedTime = record.ExpectedTime;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft.Length == 0 && Allows(draft, record))
            {
                // As far as it is trusted: confidences of which nothing is known yet may all be wrong.
                int trusted = ProbeLength + (int)record.Of(draft.Rule).Weight;
                draft.Choose(record.Plan, Math.Min(Math.Min(length, trusted), draft.Limit));
                draft.Explain(reason);
            }
        }
    }

    // A plan that is to be looked at now. While nothing is drafted that is the one which promises most.
    private PlanRecord? DueProbe(DraftStep drafts, PlanRecord? best)
    {
        if (drafts.PromptRows > 0)
        {
            return null;
        }

        PlanRecord? due = null;
        for (int i = 0; i < _records.Count; i++)
        {
            PlanRecord record = _records[i];
            if (record == best)
            {
                record.ProbeAfter = FirstProbe;
                record.StepsToProbe = FirstProbe;
            }
            else if (IsAllowed(drafts, record) && --record.StepsToProbe <= 0 && (due is null || record.StepsToProbe < due.StepsToProbe))
            {
                due = record;
            }
        }

        if (due is not null)
        {
            // Beside a plan that pays a look costs little, and a few unlucky ones tell nothing.
            due.Looks++;
            due.ProbeAfter = best is null ? Math.Min(4 * due.ProbeAfter, LastProbe)
                : due.Looks < FewLooks ? FirstProbe : Math.Min(2 * due.ProbeAfter, LastProbe);
            due.StepsToProbe = due.ProbeAfter;
            due.FadeOutcomes();
            Value(drafts, due, drafts.PlainRows - drafts.PromptRows);
        }

        return due;
    }

    private void ForgetLooks()
    {
        for (int i = 0; i < _records.Count; i++)
        {
            _records[i].Looks = 0;
            _records[i].ProbeAfter = FirstProbe;
            _records[i].StepsToProbe = Math.Min(_records[i].StepsToProbe, FirstProbe);
        }
    }

    // Whether most drafts began better than was expected, before anything is learnt of them.
    private static bool IsSurprise(DraftStep drafts, PlanRecord record)
    {
        double expected = 0;
        int right = 0;
        int count = 0;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            if (draft.Length > 0 && draft.Proposed == 0)
            {
                expected += StateOf(draft).Correct(record.Of(draft.Rule).First);
                right += draft.Accepted > 0 ? 1 : 0;
                count++;
            }
        }

        return 2 * right > count && expected < Unlikely * count;
    }

    // Takes what the text itself proposes where that is worth more than what a draft of the plan is expected to be worth beyond plain decoding.
    private void LookUp(DraftStep drafts, double premium)
    {
        Span<int> proposal = stackalloc int[LookupRecord.MostTokens];
        int rows = drafts.PlainRows;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            int found = StateOf(draft).Find(draft, proposal[..Math.Min(proposal.Length, draft.Limit)], out int match);
            double reach = 1;
            double net = 0;
            double bestNet = premium;
            int length = 0;
            for (int place = 0; place < found; place++)
            {
                reach *= StateOf(draft).CorrectLookup(_lookup.Chance(draft.Rule, match + place));
                double before = _plain.Time(drafts.Sequences, rows + place);
                net += reach - _rate * (_plain.Time(drafts.Sequences, rows + place + 1) - before);
                if (net > bestNet)
                {
                    (length, bestNet) = (place + 1, net);
                }
            }

            if (length > 0)
            {
                StateOf(draft).Match = match;
                draft.Propose(proposal[..length]);
                rows += draft.Length;
            }
        }
    }

    private static double Gain(PlanRecord record, SequenceDraft draft)
    {
        AutoSequence state = StateOf(draft);
        AcceptanceCalibration calibration = record.Of(draft.Rule);
        ReadOnlySpan<float> confidences = draft.Confidences;
        double reach = 1;
        for (int i = 0; i < confidences.Length; i++)
        {
            reach *= state.Correct(calibration.Chance(confidences[i]));
        }

        return reach * state.Correct(calibration.NextAfter(confidences[^1]));
    }

    // Only of tokens that were judged: what others were must decide nothing later.
    private static void Learn(PlanRecord record, SequenceDraft draft)
    {
        AutoSequence state = StateOf(draft);
        AcceptanceCalibration calibration = record.Of(draft.Rule);
        ReadOnlySpan<float> confidences = draft.Confidences;
        for (int i = 0; i < draft.Evaluated; i++)
        {
            double chance = calibration.Chance(confidences[i]);
            if (i == 0)
            {
                calibration.AddFirst(chance);
            }
            else
            {
                calibration.AddNext(confidences[i - 1], chance);
            }

            state.Add(chance, i < draft.Accepted);
            calibration.Add(confidences[i], i < draft.Accepted);
        }
    }

    private static void Learn(LookupRecord lookup, SequenceDraft draft)
    {
        AutoSequence state = StateOf(draft);
        for (int i = 0; i < draft.Evaluated && i < draft.Proposed; i++)
        {
            state.AddLookup(lookup.Chance(draft.Rule, state.Match + i), i < draft.Accepted);
            lookup.Add(draft.Rule, state.Match + i, i < draft.Accepted);
        }
    }

    // Whether a draft of the sequence would pay if it were the only one.
    private bool PaysAlone(SequenceDraft draft)
    {
        for (int i = 0; i < _records.Count; i++)
        {
            PlanRecord record = _records[i];
            if (Allows(draft, record))
            {
                double chance = StateOf(draft).Correct(record.Of(draft.Rule).First);
                double time = record.DraftTime(1, _plain, 1) + record.VerifyTime(1, 2, 1, _plain);
                if ((1 + chance) / time > LeastGain / _plain.Time(1, 1))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void GetToKnow(IReadOnlyList<DraftPlan> plans)
    {
        if (ReferenceEquals(plans, _known))
        {
            return;
        }

        for (int i = 0; i < plans.Count; i++)
        {
            if (RecordOf(plans[i]) is null)
            {
                _records.Add(new PlanRecord(plans[i], _layerBlocks, _pace));
            }
        }

        _known = plans;
    }

    private PlanRecord? RecordOf(DraftPlan plan)
    {
        for (int i = 0; i < _records.Count; i++)
        {
            if (ReferenceEquals(_records[i].Plan, plan))
            {
                return _records[i];
            }
        }

        return null;
    }

    private void Insert(int count, int place, double gain)
    {
        int i = count;
        for (; i > 0 && _gains[i - 1] < gain; i--)
        {
            _gains[i] = _gains[i - 1];
            _order[i] = _order[i - 1];
        }

        _gains[i] = gain;
        _order[i] = place;
    }

    private void EnsureRoom(int count)
    {
        if (_order.Length < count)
        {
            _order = new int[2 * count];
            _gains = new double[2 * count];
        }
    }
}
