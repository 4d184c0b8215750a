using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tool.Bench;

/// <summary>
/// What passes cost by depth and number of rows, measured apart from any drafting, and the speed-up that follows from them
/// and from the tokens that a round gives.
/// </summary>
internal static class RowCosts
{
    private const int Turns = 21;
    private const int Repetitions = 3;

    /// <summary>
    /// tokens per round × plain step / (draft steps + verification), where a verification runs one row through the draft's
    /// exact part and all rows through the rest and the head. The passes are timed in turn; medians count.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="plan">The blocks that the drafter runs.</param>
    /// <param name="draftLength">Tokens of a draft.</param>
    /// <param name="tokensPerRound">Tokens that a round gives.</param>
    public static double PredictSpeedup(TextModel model, LayerPlan plan, int draftLength, double tokensPerRound)
    {
        LayerPlan full = LayerPlan.Full(model.LayerCount);
        LayerPlan front = LayerPlan.Of(model.LayerCount, plan.Blocks.Take(plan.ExactDepth));
        LayerPlan nothing = LayerPlan.Of(model.LayerCount, []);
        int rows = draftLength + 1;
        double[] seconds = Seconds(
            model, (full, 1), (plan, 1), (front, 1), (nothing, 1), (full, rows), (front, rows), (nothing, rows));

        double plain = seconds[0];
        double draftStep = seconds[1];
        double verification = seconds[2] - seconds[3] + seconds[4] - seconds[5] + seconds[6];
        return tokensPerRound * plain / (draftLength * draftStep + verification);
    }

    private static double[] Seconds(TextModel model, params ReadOnlySpan<(LayerPlan Plan, int Rows)> passes)
    {
        double[][] turns = new double[passes.Length][];
        for (int pass = 0; pass < passes.Length; pass++)
        {
            turns[pass] = new double[Turns];
        }

        for (int turn = 0; turn < Turns; turn++)
        {
            for (int pass = 0; pass < passes.Length; pass++)
            {
                turns[pass][turn] = model.TimePass(passes[pass].Plan, passes[pass].Rows, repetitions: Repetitions).TotalSeconds;
            }
        }

        return [.. turns.Select(times => times.Order().ElementAt(Turns / 2))];
    }
}
