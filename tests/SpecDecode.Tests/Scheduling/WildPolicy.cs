using SpecDecode.Drafting;

namespace SpecDecode.Tests.Scheduling;

/// <summary>
/// Does anything that a policy may: any plan in any step, any length, stops at any place, proposals that are right, wrong or end the text,
/// with a drafter behind them or without, or nothing. What it does is drawn from a seed. <see cref="SequenceDraft.State"/> is the whole text
/// where proposals are to be right at times.
/// </summary>
internal sealed class WildPolicy(int seed, bool proposes = true) : IDraftPolicy
{
    private readonly Random _random = new(seed);

    /// <summary>Tokens that were proposed, and those of them that were accepted.</summary>
    public (int Drafted, int Accepted) Proposals { get; private set; }

    /// <summary>Drafts that had proposed tokens and drafted ones behind them, with one of the latter accepted.</summary>
    public int GoneOn { get; private set; }

    /// <summary>How often there were so many different plans in a step.</summary>
    public int[] PlansOfStep { get; } = new int[20];

    public void Plan(DraftStep drafts)
    {
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            if (proposes && _random.Next(3) == 0)
            {
                Propose(draft);
            }

            if (draft.Plans.Count > 0 && _random.Next(4) > 0)
            {
                draft.Choose(draft.Plans[_random.Next(draft.Plans.Count)], _random.Next(1, draft.Limit + 1), _random.Next(2) == 0);
            }
        }

        PlansOfStep[drafts.Drafts.Select(draft => draft.Plan).Distinct().Count()]++;
    }

    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        Assert.Contains(drafts.Drafts, draft => draft.IsInPass && draft.Plan!.GoesWith(pass.Plan));
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            Assert.Equal(draft.Length, draft.Confidences.Length);
            if (_random.Next(6) == 0)
            {
                draft.Stop();
            }

            // Those whose turn is still to come may be given others.
            if (proposes && draft is { IsInPass: false, Length: 0, WantsToken: true } && _random.Next(6) == 0)
            {
                Propose(draft);
            }
        }
    }

    public void Observe(DraftStep drafts)
    {
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            Assert.InRange(draft.Accepted, 0, draft.Evaluated);
            Assert.InRange(draft.Evaluated, 0, draft.Length);
            Assert.InRange(draft.OutputTokens, draft.Accepted, draft.Accepted + 1);
            Assert.Equal(drafts.VerifyRows, drafts.PlainRows + drafts.OtherDraftRows + drafts.Drafts.Sum(each => each.Length));
            Proposals = (Proposals.Drafted + draft.Proposed, Proposals.Accepted + Math.Min(draft.Proposed, draft.Accepted));
            GoneOn += draft.Proposed > 0 && draft.Accepted > draft.Proposed ? 1 : 0;
        }
    }

    private void Propose(SequenceDraft draft)
    {
        int[] tokens = new int[_random.Next(draft.Limit + 1)];
        int right = _random.Next(2) == 0 ? tokens.Length : _random.Next(tokens.Length + 1);
        for (int i = 0; i < tokens.Length; i++)
        {
            // Wrong ones are ids that occur, those that end the text among them.
            int[] text = (int[])draft.State!;
            tokens[i] = text[i < right && draft.Tokens.Length + i < text.Length ? draft.Tokens.Length + i : _random.Next(text.Length)];
        }

        draft.Propose(tokens);
    }
}
