using SpecDecode.Evaluation;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Evaluation;

public class CascadeCostsTests
{
    private const int Layers = 4;

    // Without ends a layer of one row takes 5 on the model's weights and 2.5 on the copy; a row more takes a tenth of that.
    private static readonly BlockCosts Costs = BlockCosts.Of(Layers, ends: 1, attention: 2, mlp: 3, draftShare: 0.5, slope: 0.1);
    private static readonly PlanCandidate Whole = new(LayerPlan.Full(Layers), WeightSet.Drafter);

    [Fact]
    public void Guesses_that_are_always_right_cost_a_pass_of_the_exit_each_and_one_of_the_plan()
    {
        CascadeCosts cascade = new(Costs, Whole, [1], [1.0], 3);

        // Three rows of the exit; then one row through the first layer, and with the three through the others.
        double exits = 3 * (0.5 + 2.5);
        double judged = 0.5 * 1.3 + 2.5 + 3 * 2.5 * 1.3;
        Assert.Equal(exits + judged, cascade.Draft(4), 1e-9);
        Assert.Equal(Costs.DraftRow(Whole), cascade.Draft(1), 1e-9);
    }

    [Fact]
    public void Guesses_that_are_never_right_cost_what_they_cost_for_each_token()
    {
        CascadeCosts cascade = new(Costs, Whole, [1], [0.0], 1);
        double wrong = 0.5 + 2.5 + (0.5 * 1.1 + 2.5 + 3 * 2.5 * 1.1);
        Assert.Equal(4 * wrong + Costs.DraftRow(Whole), cascade.Draft(5), 1e-9);
    }

    [Theory]
    [InlineData(0.7, 0.4, 2)]
    [InlineData(0.3, 0.9, 3)]
    [InlineData(0.95, 0.8, 5)]
    public void Two_levels_take_what_drawing_them_takes(double upper, double lower, int guesses)
    {
        CascadeCosts cascade = new(Costs, Whole, [3, 1], [upper, lower], guesses);
        Random random = new(17);
        const int Draws = 40_000;
        double sum = 0;
        for (int i = 0; i < Draws; i++)
        {
            sum += Draw(0, 7);
        }

        Assert.Equal(cascade.Draft(7), sum / Draws, 0.01 * cascade.Draft(7));

        // As the drafter does it, with a coin for each guess.
        double Draw(int level, int tokens)
        {
            double time = 0;
            while (tokens > 0)
            {
                int guessed = level == 2 ? 0 : Math.Min(guesses, tokens - 1);
                time += Draw(level + 1, guessed);
                int depth = level switch { 0 => 8, 1 => 6, _ => 2 };
                time += Costs.Pass(Whole, depth, guessed == 0 ? 0 : level == 0 ? 6 : 2, guessed);
                int right = 0;
                while (right < guessed && random.NextDouble() < (level == 0 ? upper : lower))
                {
                    right++;
                }

                tokens -= right + 1;
            }

            return time;
        }
    }

    [Fact]
    public void Exits_agree_with_a_plan_as_often_as_the_model_says()
    {
        // On the model's own weights the plan writes the text, so all rows count, and a row sees what plain decoding leaves.
        ScriptedModel model = new(Layers, 31, 5);
        using ScriptedStages stages = new(model, 24, maxScoredRows: 5);
        int[] prompt = [1, 2, 3];
        int[] written = model.Continue(prompt, 120, new HashSet<int>());
        int[] tokens = [.. prompt, .. written];
        GuessAgreement agreement = new(stages, new PlanCandidate(LayerPlan.Full(Layers)), [1, 3], [TextReading.Read(stages, tokens, prompt.Length, TestContext.Current.CancellationToken)], 8);
        while (!agreement.IsDone)
        {
            agreement.Step();
        }

        // Every row of the text behind its first new token, computed anew: exits of exact rows read exact entries.
        int[][] choices = [.. ((int[])[1, 3, Layers]).Select(exit => model.Residuals(LayerPlan.EarlyExit(Layers, exit).Blocks, tokens).Select(model.Next).ToArray())];
        int first = prompt.Length;
        int rows = written.Length - 1;
        Assert.Equal(rows, agreement.Rows);
        double Share(int guess, int judge) => (choices[guess].Zip(choices[judge]).Skip(first).Take(rows).Count(pair => pair.First == pair.Second) + 0.5) / (rows + 1);
        Assert.Equal(Share(0, 2), agreement.Chance(0, 2), 1e-12);
        Assert.Equal(Share(1, 2), agreement.Chance(1, 2), 1e-12);
        Assert.Equal(Share(0, 1), agreement.Chance(0, 1), 1e-12);
        Assert.InRange(agreement.Chance(0, 2), 0.5, 0.99);
    }
}
