using SpecDecode.Drafting;

namespace SpecDecode.Tests.Drafting;

/// <summary>Tells a policy times that the test makes up in place of those that were measured.</summary>
/// <param name="inner">The policy.</param>
/// <param name="draft">Milliseconds of a pass of the drafter.</param>
/// <param name="verify">Milliseconds of a verifying pass by its rows.</param>
internal sealed class ScriptedClock(IDraftPolicy inner, Func<DraftPass, double> draft, Func<int, double> verify) : IDraftPolicy
{
    private TimeSpan _drafts;

    public void Plan(DraftStep drafts)
    {
        _drafts = default;
        inner.Plan(drafts);
    }

    public void AfterPass(DraftStep drafts, DraftPass pass)
    {
        TimeSpan time = TimeSpan.FromMilliseconds(draft(pass));
        _drafts += time;
        inner.AfterPass(drafts, pass with { Time = time });
    }

    public void Observe(DraftStep drafts)
    {
        drafts.End(_drafts, TimeSpan.FromMilliseconds(verify(Math.Max(1, drafts.VerifyRows))), drafts.VerifyRows);
        inner.Observe(drafts);
    }
}
