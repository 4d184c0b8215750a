using SpecDecode.Drafting;

namespace SpecDecode.Tests.Scheduling;

/// <summary>What a policy does that it must not do.</summary>
public enum PolicyFault
{
    PlanThrows,
    AfterPassThrows,
    ObserveThrows,
    NoPlan,
    ForeignPlan,
    LengthZero,
    LengthBeyondLimit,
    NegativeToken,
    TokenBeyondVocabulary,
    TooManyTokens,
    TooManyTokensInAll,
    AnotherPlanBehindAPass,
    TokensBehindAPass,
    ChoiceAfterJudgement,
    TokensAfterJudgement,
}

/// <summary>Drafts by its second plan, and does something wrong with the last draft of each step.</summary>
internal sealed class FaultyPolicy(PolicyFault fault, int vocabulary) : IDraftPolicy
{
    public int PlanCalls { get; private set; }

    public int Observed { get; private set; }

    public void Plan(DraftStep drafts)
    {
        PlanCalls++;
        foreach (SequenceDraft draft in drafts.Drafts)
        {
            draft.Propose([]);
            draft.Choose(draft.Plans[1], draft.Limit);
        }

        SequenceDraft last = drafts.Drafts[^1];
        Action? mistake = fault switch
        {
            PolicyFault.PlanThrows => () => throw new ScriptedFailureException(),
            PolicyFault.NoPlan => () => last.Choose(null!, 1),
            PolicyFault.ForeignPlan => () => last.Choose(last.Plans[1] with { }, 1),
            PolicyFault.LengthZero => () => last.Choose(last.Plans[0], 0),
            PolicyFault.LengthBeyondLimit => () => last.Choose(last.Plans[0], last.Limit + 1),
            PolicyFault.NegativeToken => () => last.Propose([-1]),
            PolicyFault.TokenBeyondVocabulary => () => last.Propose([vocabulary]),
            PolicyFault.TooManyTokens => () => last.Propose(new int[last.Limit + 1]),
            PolicyFault.TooManyTokensInAll => () =>
            {
                last.Propose([1]);
                last.Propose(new int[last.Limit]);
            },
            _ => null,
        };
        mistake?.Invoke();
    }

    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        SequenceDraft last = drafts.Drafts[^1];
        Action? mistake = fault switch
        {
            PolicyFault.AfterPassThrows => () => throw new ScriptedFailureException(),
            PolicyFault.AnotherPlanBehindAPass => () => last.Choose(last.Plans[0], last.Limit),
            PolicyFault.TokensBehindAPass => () => last.Propose([1]),
            _ => null,
        };
        mistake?.Invoke();
    }

    public void Observe(DraftStep drafts)
    {
        Observed++;
        SequenceDraft last = drafts.Drafts[^1];
        Action? mistake = fault switch
        {
            PolicyFault.ObserveThrows => () => throw new ScriptedFailureException(),
            PolicyFault.ChoiceAfterJudgement => () => last.Choose(last.Plans[0], 1),
            PolicyFault.TokensAfterJudgement => () => last.Propose([1]),
            _ => null,
        };
        mistake?.Invoke();
    }
}
