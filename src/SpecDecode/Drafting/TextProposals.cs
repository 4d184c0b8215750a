namespace SpecDecode.Drafting;

/// <summary>
/// What texts themselves propose (prompt lookup): how much of it is taken into the drafts of a step, and whether the drafter goes on behind it.
/// Learns what proposals are worth.
/// </summary>
/// <param name="plain">What passes without drafts take.</param>
/// <param name="forecast">What drafts are expected to bring.</param>
internal sealed class TextProposals(PlainRecord plain, DraftForecast forecast)
{
    // Of steps with proposals that do not seem to pay, or not as far as they go, one in so many takes one of them further nevertheless, and soon another does where it was
    // right: what was learnt of rows or chances in a bad hour would else stay for ever. The same of drafts behind them. Steps count, so that many texts together look no more often.
    private const int Look = 64;
    private const int LookSoon = 4;

    private int _stepsToLook = Look;
    private int _stepsToLookBehind = Look;

    /// <summary>How often they are accepted.</summary>
    public LookupRecord Record { get; } = new();

    /// <summary>
    /// Takes into each draft what is expected to be worth more than what the terms offer without it. Where the drafter is to go on behind it,
    /// <see cref="AutoSequence.GoesOn"/> says so.
    /// </summary>
    /// <returns>Whether it is to go on behind any.</returns>
    public bool Take(DraftStep drafts, in ProposalTerms terms)
    {
        Span<int> proposal = stackalloc int[LookupRecord.MostTokens];
        int rows = drafts.PlainRows;
        int drafting = terms.Pays ? terms.Plan!.Allowed(drafts) : 1;
        bool isAnyGoingOn = false;
        bool looks = false;
        bool looksBehind = false;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            AutoSequence state = AutoSequence.Of(draft);
            int found = state.Find(draft, proposal[..Math.Min(proposal.Length, draft.Limit)]);
            (int length, state.GoesOn) = Choose(drafts, draft, found, rows, drafting, terms);
            state.IsLook = length < found && IsDue(ref looks, ref _stepsToLook);
            state.IsLookBehind = false;
            if (state.IsLook)
            {
                length = Math.Min(found, AutoDraftPolicy.ProbeLength + 2 * length);
                state.GoesOn = false;
                _stepsToLook = Look;
            }
            else if (terms.Pays && !state.GoesOn && length > 0 && CanGoOn(draft, terms.Plan!, length) && IsDue(ref looksBehind, ref _stepsToLookBehind))
            {
                (state.IsLookBehind, state.GoesOn) = (true, true);
                _stepsToLookBehind = Look;
            }

            if (length > 0)
            {
                draft.Propose(proposal[..length]);
                state.Reach = Reach(draft, state);
                if (state.IsLook)
                {
                    draft.Explain(DraftReason.Probing);
                }

                rows += draft.Length;
            }

            state.GoesOn &= draft.Proposed > 0;
            isAnyGoingOn |= state.GoesOn;
        }

        return isAnyGoingOn;
    }

    /// <summary>Takes what became of a draft's proposed tokens.</summary>
    public void Learn(SequenceDraft draft)
    {
        AutoSequence state = AutoSequence.Of(draft);
        for (int i = 0; i < draft.Evaluated && i < draft.Proposed; i++)
        {
            state.AddLookup(Record.Chance(draft.Rule, state.Match + i, i == state.Doubted), i < draft.Accepted);
            Record.Add(draft.Rule, state.Match + i, i == state.Doubted, i < draft.Accepted);
        }

        if (state.IsLook && draft.Accepted >= draft.Proposed)
        {
            _stepsToLook = Math.Min(_stepsToLook, LookSoon);
        }

        if (state.IsLookBehind && draft.Accepted > draft.Proposed)
        {
            _stepsToLookBehind = Math.Min(_stepsToLookBehind, LookSoon);
        }
    }

    // How many tokens of a proposal, and whether to draft on behind them, is worth most; 0 where the terms are better without it.
    private (int Length, bool GoesOn) Choose(DraftStep drafts, SequenceDraft draft, int found, int rows, int drafting, in ProposalTerms terms)
    {
        if (found == 0)
        {
            return default;
        }

        AutoSequence state = AutoSequence.Of(draft);
        (int Length, bool GoesOn) best = default;
        double bestNet = terms.Premium;
        double before = plain.Time(drafts.Sequences, rows);
        double pass = terms.Plan is { } plan ? plan.DraftTime(drafting, plain, drafts.Sequences) / drafting : 0;
        double alone = terms.Pays ? forecast.Behind(drafts, terms.Plan!, draft, 0, 1, rows, drafting, terms.Rate) : 0;
        double reach = 1;
        double sum = 0;
        for (int length = 1; length <= found; length++)
        {
            sum += reach *= Chance(draft, state, length - 1);
            double net = sum - terms.Rate * (plain.Time(drafts.Sequences, rows + length) - before);
            if (net > bestNet)
            {
                (best, bestNet) = ((length, false), net);
            }

            // Not where the drafter's token would cost more than it can bring.
            if (terms.Plan is { } record && reach > terms.Rate * pass && CanGoOn(draft, record, length))
            {
                // Where drafts pay, as much more than they as is computed, since what they are worth has been corrected by what came of them.
                double behind = sum + forecast.Behind(drafts, record, draft, length, reach, rows, drafting, terms.Rate)
                    + (terms.Pays ? terms.Premium - alone : (1 - AutoDraftPolicy.LeastGain) * (1 + sum));
                if (behind > bestNet)
                {
                    (best, bestNet) = ((length, true), behind);
                }
            }
        }

        return best;
    }

    private double Reach(SequenceDraft draft, AutoSequence state)
    {
        double reach = 1;
        for (int i = 0; i < draft.Proposed; i++)
        {
            reach *= Chance(draft, state, i);
        }

        return reach;
    }

    private double Chance(SequenceDraft draft, AutoSequence state, int place) =>
        state.CorrectLookup(Record.Chance(draft.Rule, state.Match + place, place == state.Doubted));

    // Whether the first such proposal of a step is the one to look at.
    private static bool IsDue(ref bool hasCounted, ref int steps)
    {
        bool isFirst = !hasCounted;
        hasCounted = true;
        return isFirst && --steps <= 0;
    }

    private static bool CanGoOn(SequenceDraft draft, PlanRecord plan, int length) => length < draft.Limit && draft.Allows(plan.Plan);
}
