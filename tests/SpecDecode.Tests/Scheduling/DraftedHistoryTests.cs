using SpecDecode.Drafting;

namespace SpecDecode.Tests.Scheduling;

/// <summary>
/// Claims about drafted decoding that hold for every history. After every step the harness compares every committed entry of
/// every live cache with what plain decoding leaves, so a tail's entry that survives or is read shows at once.
/// </summary>
public class DraftedHistoryTests
{
    private const int Histories = 2000;

    [Fact]
    public void Drafted_texts_are_those_of_the_reference_for_any_plan_length_and_threshold()
    {
        DraftingStatistics rounds = new();
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed, drafts: true);
            history.Join(1 + seed % 8);
            history.RunToEnd();
            rounds.Add(history.Rounds);
        }

        Assert.True(rounds.Accepted > 20_000, $"{rounds.Accepted} accepted");
        Assert.True(rounds.Discarded > 10_000, $"{rounds.Discarded} discarded");
        Assert.True(rounds.BonusTokens > 1_000 && rounds.Corrections > 1_000);
    }

    [Fact]
    public void Texts_that_join_leave_fail_or_are_rolled_back_in_the_middle_leave_the_others_as_plain_decoding_would()
    {
        int finished = 0;
        int failed = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            EngineHistory history = new(seed, drafts: true);
            for (int step = 0; step < 25; step++)
            {
                if (history.Chance(3))
                {
                    history.Join(1);
                }

                if (history.Chance(9))
                {
                    history.Remove();
                }

                if (history.Chance(9))
                {
                    history.RollBack();
                }

                if (history.Live.Count > 0)
                {
                    failed += history.Chance(4) && history.StepThatFailsAnywhere() ? 1 : 0;
                    history.DraftedStep();
                }
            }

            history.RunToEnd();
            finished += history.Finished;
        }

        Assert.True(finished > Histories);
        Assert.True(failed > 1_000, $"{failed} failed");
    }
}
