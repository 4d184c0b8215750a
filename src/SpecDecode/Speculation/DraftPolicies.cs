using SpecDecode.Drafting;

namespace SpecDecode.Speculation;

/// <summary>
/// Asks the policies of a step's rounds and tells them what became of it. What a policy throws ends its drafts where they are and
/// counts as a failure of each sequence that follows it; the step goes on.
/// </summary>
/// <param name="vocabularySize">Number of token ids.</param>
internal sealed class DraftPolicies(int vocabularySize)
{
    // One for each policy of the step, mostly one alone; those behind them are from earlier steps and are used again.
    private readonly List<DraftStep> _steps = [];
    private int _count;

    /// <summary>What a policy threw in the last step; null when none did.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Number of token ids.</summary>
    public int VocabularySize => vocabularySize;

    /// <summary>Has the policies choose for the rounds that may draft.</summary>
    /// <param name="rounds">The rounds, with their room.</param>
    /// <param name="promptRows">Rows of prompts among them.</param>
    public void Plan(IReadOnlyList<Round> rounds, int promptRows)
    {
        Error = null;
        _count = 0;
        int plainRows = 0;
        for (int i = 0; i < rounds.Count; i++)
        {
            plainRows += rounds[i].PendingLength;
        }

        for (int i = 0; i < rounds.Count; i++)
        {
            Round round = rounds[i];
            if (round.Sequence.Drafting is not { } drafting)
            {
                continue;
            }

            if (round.Choice.Forced > 0)
            {
                continue;
            }

            if (round.Choice.Limit > 0)
            {
                StepOf(drafting.Policy, rounds.Count, plainRows, promptRows).Add(round.Choice);
            }
            else if (!round.Sequence.WritesFirstToken)
            {
                round.Choice.Explain(round.Sequence.HasGivenUpDrafting ? DraftReason.Failed : DraftReason.NoRoom);
            }
        }

        for (int i = 0; i < _count; i++)
        {
            DraftStep step = _steps[i];
            try
            {
                step.Policy.Plan(step);
            }
            catch (Exception error)
            {
                Fail(step, rounds, error);
                for (int draft = 0; draft < step.Drafts.Count; draft++)
                {
                    step.Drafts[draft].Clear();
                }
            }
        }
    }

    /// <summary>Has the policies look at what a pass of the drafter has added.</summary>
    public void Continue(IReadOnlyList<Round> rounds, DraftPass pass)
    {
        for (int i = 0; i < _count; i++)
        {
            DraftStep step = _steps[i];
            if (step.HasFailed || !IsInPass(step))
            {
                continue;
            }

            try
            {
                step.Policy.AfterPass(step, pass);
            }
            catch (Exception error)
            {
                Fail(step, rounds, error);
                for (int draft = 0; draft < step.Drafts.Count; draft++)
                {
                    step.Drafts[draft].Stop();
                }
            }
        }
    }

    /// <summary>Tells the policies what became of the drafts.</summary>
    /// <param name="rounds">The rounds that were judged.</param>
    /// <param name="draftTime">Time of the draft passes.</param>
    /// <param name="verifyTime">Time of the verifying pass.</param>
    /// <param name="verifyRows">Its rows.</param>
    public void Observe(IReadOnlyList<Round> rounds, TimeSpan draftTime, TimeSpan verifyTime, int verifyRows)
    {
        int draftRows = 0;
        for (int i = 0; i < rounds.Count; i++)
        {
            rounds[i].TellChoice();
            draftRows += rounds[i].DraftLength;
        }

        for (int i = 0; i < _count; i++)
        {
            DraftStep step = _steps[i];
            if (step.HasFailed)
            {
                continue;
            }

            step.End(draftTime, verifyTime, verifyRows);
            step.OtherDraftRows = draftRows;
            for (int draft = 0; draft < step.Drafts.Count; draft++)
            {
                step.OtherDraftRows -= step.Drafts[draft].Length;
            }

            try
            {
                step.Policy.Observe(step);
            }
            catch (Exception error)
            {
                Fail(step, rounds, error);
            }
        }
    }

    /// <summary>Forgets drafts of sequences that were cancelled in the middle of the step.</summary>
    public void RemoveCancelled()
    {
        for (int i = 0; i < _count; i++)
        {
            _steps[i].RemoveWhere(static draft => draft.IsCancelled);
        }
    }

    private static bool IsInPass(DraftStep step)
    {
        for (int i = 0; i < step.Drafts.Count; i++)
        {
            if (step.Drafts[i].IsInPass)
            {
                return true;
            }
        }

        return false;
    }

    private DraftStep StepOf(IDraftPolicy policy, int sequences, int plainRows, int promptRows)
    {
        for (int i = 0; i < _count; i++)
        {
            if (ReferenceEquals(_steps[i].Policy, policy))
            {
                return _steps[i];
            }
        }

        if (_count == _steps.Count)
        {
            _steps.Add(new DraftStep());
        }

        _steps[_count].Begin(policy, sequences, plainRows, promptRows);
        return _steps[_count++];
    }

    private void Fail(DraftStep step, IReadOnlyList<Round> rounds, Exception error)
    {
        Error = error;
        step.HasFailed = true;
        for (int i = 0; i < rounds.Count; i++)
        {
            if (ReferenceEquals(rounds[i].Sequence.Drafting?.Policy, step.Policy))
            {
                rounds[i].Sequence.NoteDraftFailure();
                rounds[i].Choice.Explain(DraftReason.Failed);
            }
        }
    }
}
