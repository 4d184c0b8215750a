namespace SpecDecode.Drafting;

/// <summary>When what is not in use is looked at, so that it stays known: plans, and plain steps while drafts pay.</summary>
/// <param name="records">The plans.</param>
internal sealed class ProbeSchedule(PlanRecords records)
{
    // What is not known is looked at after so many steps, and the less often the longer it proves to be no better.
    private const int FirstProbe = 16;
    internal const int LastProbe = 512;
    internal const int FewLooks = 8;

    // Passes of a cascade go through parts of the model of their own, which stages run as a whole only once they have come often: its first times say little.
    private const int FewLooksAtCascades = 24;

    // As many decide over the times of a former process.
    internal const int LooksAnew = CostCurve.KnownSamples + 1;

    // A look whose first token was right although its chance was said to be below this is a surprise: the next one comes at once.
    private const double Unlikely = 0.5;

    // While drafts pay, one plain step in so many keeps its time known.
    private const int PlainProbe = 64;

    private int _stepsToPlain = FirstProbe;
    private int _plainLooks;
    private int _plainSteps;
    private bool _paysPlainly;

    /// <summary>The plan that is to be looked at in this step; null where none is due.</summary>
    /// <param name="drafts">The step.</param>
    /// <param name="best">The plan that is in use; null where nothing pays.</param>
    public PlanRecord? NextPlan(DraftStep drafts, PlanRecord? best)
    {
        // Texts that may take no plan at all say nothing about whether plans pay.
        if (!IsAnyAllowed(drafts))
        {
            return null;
        }

        if (best is not null && _plainSteps >= LastProbe / 4)
        {
            // Another time begins, in which another plan may be the best.
            ForgetLooks();
        }

        _paysPlainly = best is null;
        _plainSteps = best is null ? _plainSteps + 1 : 0;
        if (drafts.PromptRows > 0)
        {
            return null;
        }

        PlanRecord? due = null;
        for (int i = 0; i < records.Count; i++)
        {
            PlanRecord record = records[i];
            if (record == best)
            {
                record.ProbeAfter = FirstProbe;
                record.StepsToProbe = FirstProbe;
            }
            else if (record.IsAllowed(drafts) && record.IsWorthLook && --record.StepsToProbe <= 0 && (due is null || record.StepsToProbe < due.StepsToProbe))
            {
                due = record;
            }
        }

        if (due is not null)
        {
            // Beside a plan that pays a look costs little, and a few unlucky ones tell nothing.
            due.Looks++;
            due.ProbeAfter = best is null ? Math.Min(4 * due.ProbeAfter, LastProbe)
                : due.Looks < (due.Plan.Cascade is null ? FewLooks : FewLooksAtCascades) ? FirstProbe : Math.Min(2 * due.ProbeAfter, LastProbe);
            due.StepsToProbe = due.ProbeAfter;
            due.FadeOutcomes();
        }

        return due;
    }

    /// <summary>Whether this step is to be plain although drafts pay.</summary>
    public bool IsPlainDue()
    {
        if (--_stepsToPlain > 0)
        {
            return false;
        }

        _stepsToPlain = --_plainLooks > 0 ? FirstProbe : PlainProbe;
        return true;
    }

    /// <summary>Times of a former process are all that is known: all speed-ups hang on what plain steps take, so that is measured again soon.</summary>
    public void BeginAnew() => (_stepsToPlain, _plainLooks) = (FirstProbe, LooksAnew);

    /// <summary>Looks again at once where a look went better than was expected, before anything is learnt of it.</summary>
    public void Observe(DraftStep drafts, PlanRecord probed)
    {
        if (_paysPlainly && IsSurprise(drafts, probed))
        {
            probed.ProbeAfter = Math.Max(FirstProbe, probed.ProbeAfter / 2);
            probed.StepsToProbe = 1;
        }
    }

    private bool IsAnyAllowed(DraftStep drafts)
    {
        for (int i = 0; i < records.Count; i++)
        {
            if (records[i].IsAllowed(drafts))
            {
                return true;
            }
        }

        return false;
    }

    private void ForgetLooks()
    {
        for (int i = 0; i < records.Count; i++)
        {
            records[i].Looks = 0;
            records[i].ProbeAfter = FirstProbe;
            records[i].StepsToProbe = Math.Min(records[i].StepsToProbe, FirstProbe);
        }
    }

    // Whether most drafts began better than was expected.
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
                expected += AutoSequence.Of(draft).Correct(record.Of(draft.Rule).First);
                right += draft.Accepted > 0 ? 1 : 0;
                count++;
            }
        }

        return 2 * right > count && expected < Unlikely * count;
    }
}
