using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

public class ChoiceMarginTests
{
    private static readonly Truncation Truncation = new();

    [Fact]
    public void Without_limits_the_margin_is_the_gap_between_the_two_highest_scores()
    {
        Check([0, -0.2f, -0.25f], new SamplingOptions { Temperature = 0.5f }, inside: 3, wayOut: [9, 9, 9], wayIn: []);
        Assert.Equal(0.25, ChoiceMargin.Greedy([1, 3, 2.75f, -1]));
        Assert.Equal(0, ChoiceMargin.Greedy([1, 3, 3, -1]));
    }

    [Fact]
    public void At_top_k_it_is_the_gap_to_the_first_outside_or_the_last_inside() =>
        Check([0, -0.2f, -0.25f, -0.5f], new SamplingOptions { Temperature = 0.5f, TopK = 2 }, 2, wayOut: [0.5, 0.1], wayIn: [0.1, 0.6]);

    [Fact]
    public void At_min_p_it_is_the_gap_to_the_boundary_and_the_first_must_be_overtaken_too()
    {
        double boundary = Math.Log(0.5);
        Check([0, -0.6f, -0.8f], new SamplingOptions { Temperature = 1, MinP = 0.5f }, 2, wayOut: [0.6 - boundary, -0.6 - boundary], wayIn: [boundary + 0.8]);
        Check([0, -0.01f], new SamplingOptions { Temperature = 1, MinP = 1 }, 1, wayOut: [0.01], wayIn: [0.01]);
    }

    [Fact]
    public void At_top_n_sigma_it_is_the_part_of_the_gap_that_stays_where_the_boundary_moves_too()
    {
        float[] logits = [0, -0.6f, -1.3f];
        double boundary = -1.5 * PlainDistribution.Deviation(logits) / 0.5;
        const double part = 2 / 3.5;
        Check(
            logits, new SamplingOptions { Temperature = 0.5f, TopNSigma = 1.5f }, 2,
            wayOut: [-boundary * part + 1.2, (-1.2 - boundary) * part], wayIn: [(boundary + 2.6) * part]);
    }

    [Fact]
    public void At_top_p_it_is_what_is_missing_in_mass() => Check(
        Logs(0.6, 0.3, 0.1), new SamplingOptions { Temperature = 1, TopP = 0.8f }, 2, wayOut: [Math.Log(2), 0.2], wayIn: [0.1]);

    [Fact]
    public void At_top_p_it_is_the_gap_to_the_token_across_the_boundary_where_that_is_shorter() => Check(
        [.. Logs(0.5, 0.25, 0.25)[..2], Logs(0.25)[0] - 0.001f], new SamplingOptions { Temperature = 1, TopP = 0.6f }, 2,
        wayOut: [Math.Log(2), 0.001], wayIn: [0.001]);

    [Fact]
    public void The_only_token_within_top_p_leaves_where_the_next_overtakes_it() => Check(
        [Logs(0.4)[0], Logs(0.4)[0] - 0.001f, Logs(0.2)[0]], new SamplingOptions { Temperature = 1, TopP = 0.3f }, 1,
        wayOut: [0.001], wayIn: [0.1, Math.Log(2)]);

    [Fact]
    public void A_token_leaves_top_p_where_others_that_tie_with_it_come_before_it_and_the_last_has_hardly_room()
    {
        // Above the second lies 0.25, above the third 0.5: far from 0.501 and near it. But the two tie.
        Check(Logs(0.25, 0.25, 0.25, 0.15, 0.1), new SamplingOptions { Temperature = 1, TopP = 0.501f }, 3, wayOut: [0.001, 0.001, 0.001], wayIn: [0.249, 0.399]);
    }

    [Fact]
    public void Logits_that_move_by_less_than_the_margin_never_change_the_choice()
    {
        RandomRows rows = new(12);
        int judged = 0;
        int bounded = 0;
        for (int i = 0; i < 20_000; i++)
        {
            float[] logits = [.. rows.Row(60).Select(logit => logit + (float)(rows.Uniform() - 0.5) * 1e-3f)];
            SamplingOptions options = rows.Options() with { Acceptance = AcceptanceRule.SharedNoise };
            GumbelNoise noise = new Sampler(options).Noise(i);
            double margin = ChoiceMargin.SharedNoise(logits, options, noise);
            float most = logits.Where(float.IsFinite).Max(Math.Abs);
            double reach = Math.Min(margin, 0.2) / 4;
            if (reach * options.Temperature < 32 * (MathF.BitIncrement(most) - most) || reach < 1e-6)
            {
                continue;
            }

            judged++;
            bounded += margin < ChoiceMargin.SharedNoise(logits, options with { TopK = 0, TopP = 1, MinP = 0, TopNSigma = 0 }, noise) ? 1 : 0;
            int choice = Choose(logits, options, noise);
            for (int turn = 0; turn < 12; turn++)
            {
                // By chance, or every token as far as it may, up or down; the chosen one last of all down.
                float[] moved = [.. logits.Select((logit, token) => logit + (float)(options.Temperature * reach * (turn switch
                {
                    0 => token == choice ? -1 : 1,
                    < 6 => rows.Below(2) * 2 - 1,
                    _ => 2 * rows.Uniform() - 1,
                })))];
                Assert.True(choice == Choose(moved, options, noise), $"row {i}, turn {turn}: {options}, margin {margin}");
            }
        }

        TestContext.Current.SendDiagnosticMessage($"{judged} rows judged, {bounded} of them bounded by a limit's boundary");
        Assert.True(judged > 10_000 && bounded > 1_000, $"{judged} judged, {bounded} bounded");
    }

    private static int Choose(float[] logits, SamplingOptions options, GumbelNoise noise) =>
        noise.ArgMax(new(logits), Truncation.Find(new(logits), options), options.Temperature);

    private static float[] Logs(params double[] probabilities) => [.. probabilities.Select(probability => (float)Math.Log(probability))];

    // Tokens are in the order of their logits. The margin is the gap between scores, the winner's way out, and for each token outside
    // the way in or up to the winner's score; whichever is least.
    private static void Check(float[] logits, SamplingOptions options, int inside, double[] wayOut, double[] wayIn)
    {
        HashSet<(int Winner, int Above)> met = [];
        for (uint position = 0; position < 600; position++)
        {
            GumbelNoise noise = new(21, 0, position);
            double[] scores = [.. logits.Select((logit, token) => logit / options.Temperature + noise.Of(token))];
            int winner = Array.IndexOf(scores, scores[..inside].Max());
            double expected = inside == 1 ? double.PositiveInfinity : scores[winner] - scores[..inside].Where((_, token) => token != winner).Max();
            expected = Math.Min(expected, wayOut[winner] == 9 ? expected : wayOut[winner]);
            for (int token = inside; token < logits.Length; token++)
            {
                expected = Math.Min(expected, Math.Max(wayIn[token - inside], scores[winner] - scores[token]));
            }

            Assert.Equal(expected, ChoiceMargin.SharedNoise(logits, options, noise), 1e-6);
            Assert.Equal(winner, Choose(logits, options, noise));
            met.Add((winner, Enumerable.Range(inside, logits.Length - inside).Count(token => scores[token] > scores[winner])));
        }

        Assert.Equal(inside * (1 + logits.Length - inside), met.Count);
    }
}
