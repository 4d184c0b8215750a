namespace SpecDecode.Drafting;

/// <summary>
/// Decides how sequences draft: which plan, how far, when to stop. It is asked before the drafts of a step and after each pass of the
/// drafter, and is told what became of them. Whatever it decides, the text is the same (with rejection sampling: has the same
/// distribution); it decides on time alone.
/// </summary>
/// <remarks>
/// Called by the thread that runs the steps, one call at a time for each model; a policy that several models share must be safe for
/// concurrent use. It must be quick, since everybody waits for it, and should allocate nothing. Where it throws, the drafts of the step
/// end where they are, the error is logged, and the texts go on; a sequence whose policy has thrown three times goes on without drafts.
/// What it knows of draft tokens that were not judged must not change what it decides about the same place of the text later: with
/// rejection sampling that would change the distribution.
/// </remarks>
public interface IDraftPolicy
{
    /// <summary>Chooses for each draft of a step; one for which nothing is chosen is left out, and the sequence gains one token plainly.</summary>
    /// <param name="drafts">The step, with the drafts that this policy decides about.</param>
    void Plan(DraftStep drafts);

    /// <summary>After a pass of the drafter: those drafts that took part (<see cref="SequenceDraft.IsInPass"/>) have a token more, with a cascade several, and may be stopped.</summary>
    /// <param name="drafts">The step.</param>
    /// <param name="pass">The pass.</param>
    void AfterPass(DraftStep drafts, DraftPass pass);

    /// <summary>After the drafts of a step were judged.</summary>
    /// <param name="drafts">The step, with times and outcome.</param>
    void Observe(DraftStep drafts);
}
