namespace SpecDecode.Drafting;

/// <summary>What drafts are expected to bring, by chances and times as they are known.</summary>
/// <param name="plain">What passes without drafts take.</param>
internal sealed class DraftForecast(PlainRecord plain)
{
    private double[] _gains = [];

    // By draft, the chance of each token behind the first.
    private double[] _chances = [];

    /// <summary>
    /// The best expected tokens per second of a step over all lengths, corrected by what the plan's drafts brought until now against what was expected
    /// of them. The record notes what it stands for.
    /// </summary>
    /// <param name="drafts">The step.</param>
    /// <param name="record">The plan that all drafts which may are to take.</param>
    public double Value(DraftStep drafts, PlanRecord record)
    {
        if (_gains.Length < drafts.Drafts.Count)
        {
            _gains = new double[2 * drafts.Drafts.Count];
            _chances = new double[_gains.Length];
        }

        int longest = 0;
        int drafting = 0;
        for (int i = 0; i < drafts.Drafts.Count; i++)
        {
            SequenceDraft draft = drafts.Drafts[i];
            AutoSequence state = AutoSequence.Of(draft);
            AcceptanceCalibration calibration = record.Of(draft.Rule);
            _gains[i] = draft.Allows(record.Plan) ? state.Correct(calibration.First) : 0;
            _chances[i] = state.Correct(calibration.Mean);
            longest = _gains[i] > 0 ? Math.Max(longest, draft.Limit) : longest;
            drafting += _gains[i] > 0 ? 1 : 0;
        }

        if (drafting == 0)
        {
            return 0;
        }

        double tokens = drafts.PlainRows - drafts.PromptRows;
        double draftTime = 0;
        double best = 0;
        double pass = record.DraftTime(drafting, plain, drafts.Sequences);
        for (int length = 1; length <= longest; length++)
        {
            double gain = 0;
            for (int i = 0; i < drafts.Drafts.Count; i++)
            {
                gain += length <= drafts.Drafts[i].Limit ? _gains[i] : 0;
                _gains[i] *= _chances[i];
            }

            tokens += gain;
            draftTime += pass;
            double time = draftTime + record.VerifyTime(drafts.Sequences, drafts.PlainRows + drafting * length, drafts.PlainRows, plain);
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

    /// <summary>
    /// What a sequence's draft of its best length is worth behind so many proposed tokens, in tokens: those that the drafter's part is expected to give,
    /// less what all rows of the draft and the drafter's passes cost at a rate.
    /// </summary>
    /// <param name="drafts">The step.</param>
    /// <param name="record">The plan.</param>
    /// <param name="draft">The sequence.</param>
    /// <param name="proposed">Proposed tokens; the first pass runs their rows too.</param>
    /// <param name="reach">The chance that all of them are accepted.</param>
    /// <param name="rows">Rows of the verifying pass without it.</param>
    /// <param name="drafting">Drafts that share the passes.</param>
    /// <param name="rate">Tokens per second that time is worth.</param>
    public double Behind(DraftStep drafts, PlanRecord record, SequenceDraft draft, int proposed, double reach, int rows, int drafting, double rate)
    {
        AutoSequence state = AutoSequence.Of(draft);
        AcceptanceCalibration calibration = record.Of(draft.Rule);
        double next = state.Correct(calibration.Mean);
        double pass = record.DraftTime(drafting, plain, drafts.Sequences);
        double time = record.WideTime(drafting + proposed, drafting, plain, drafts.Sequences) - pass - plain.Time(drafts.Sequences, rows);
        double gain = 0;
        double best = double.NegativeInfinity;
        reach *= state.Correct(proposed > 0 ? calibration.Behind : calibration.First);
        for (int length = proposed + 1; length <= draft.Limit; length++)
        {
            gain += reach;
            reach *= next;
            time += pass / drafting;
            double verify = record.VerifyTime(drafts.Sequences, rows + length, drafts.PlainRows, plain);
            double net = gain * record.Correction - rate * (time + verify);
            if (net <= best)
            {
                break;
            }

            best = net;
        }

        return best;
    }

    /// <summary>Tokens that one more draft token is expected to gain: the chance that it, and all before it, are accepted.</summary>
    public static double Gain(PlanRecord record, SequenceDraft draft)
    {
        AutoSequence state = AutoSequence.Of(draft);
        AcceptanceCalibration calibration = record.Of(draft.Rule);
        ReadOnlySpan<float> confidences = draft.Confidences;
        double reach = draft.Proposed > 0 ? state.Reach : 1;
        for (int i = draft.Proposed; i < confidences.Length; i++)
        {
            reach *= state.Correct(calibration.Chance(confidences[i]));
        }

        return reach * state.Correct(calibration.NextAfter(confidences[^1]));
    }

    /// <summary>Whether a draft of the sequence would pay if it were the only one.</summary>
    /// <param name="records">The plans.</param>
    /// <param name="draft">The sequence.</param>
    /// <param name="leastGain">Times plain decoding that pay.</param>
    public bool PaysAlone(PlanRecords records, SequenceDraft draft, double leastGain)
    {
        for (int i = 0; i < records.Count; i++)
        {
            PlanRecord record = records[i];
            if (draft.Allows(record.Plan))
            {
                double chance = AutoSequence.Of(draft).Correct(record.Of(draft.Rule).First);
                double time = record.DraftTime(1, plain, 1) + record.VerifyTime(1, 2, 1, plain);
                if ((1 + chance) / time > leastGain / plain.Time(1, 1))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
