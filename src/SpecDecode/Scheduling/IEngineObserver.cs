using SpecDecode.Drafting;
using SpecDecode.Sequences;

namespace SpecDecode.Scheduling;

/// <summary>Is told what the engine does, as records, by the thread that runs the steps. Must be quick, and must not throw.</summary>
internal interface IEngineObserver
{
    /// <summary>After a step that somebody took part in.</summary>
    void OnStep(in StepRecord step);

    /// <summary>After a round that gave a sequence tokens; not for the first token, which comes with the prompt.</summary>
    void OnRound(in RoundRecord round);

    /// <summary>After the same, with the sequence, whose last round it was.</summary>
    void OnRoundOf(Sequence sequence)
    {
    }

    /// <summary>When a sequence has ended, whatever the reason.</summary>
    void OnEnded(Sequence sequence);

    /// <summary>When a verifying pass has failed; its sequences are tried alone.</summary>
    void OnPassFailed(Exception error);

    /// <summary>When a draft policy has thrown; its drafts ended where they were.</summary>
    void OnPolicyFailed(Exception error)
    {
    }

    /// <summary>After a step that the policy was asked about which all requests share.</summary>
    /// <param name="choice">What it thinks now.</param>
    /// <param name="time">Time of the step.</param>
    void OnChoice(in DraftChoice choice, TimeSpan time)
    {
    }

    /// <summary>When what drafting has learnt could not be written, so that it is not kept beyond this load; once, by any thread.</summary>
    /// <param name="reason">Why, without a full stop.</param>
    void OnLearntNotKept(string reason)
    {
    }

    /// <summary>When a search has found a better plan, by which requests draft from now on.</summary>
    /// <param name="attention">Layers whose attention it leaves out.</param>
    /// <param name="mlp">Layers whose MLP it leaves out.</param>
    /// <param name="expectedSpeedup">Tokens per second over those of plain decoding that it promises.</param>
    /// <param name="tried">Plans that were tried so far.</param>
    void OnPlanAdopted(IReadOnlyList<int> attention, IReadOnlyList<int> mlp, double expectedSpeedup, long tried)
    {
    }

    /// <summary>When a search has failed, and ended; drafts go on with the plan that there is.</summary>
    void OnSearchFailed(Exception error)
    {
    }

    /// <summary>When a request was not taken; called by the thread that asks, several at a time maybe.</summary>
    void OnRefused(Exception error)
    {
    }
}
