using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tool.Bench;

/// <summary>
/// What passes cost by depth and number of rows, measured apart from any drafting, and the speed-up that follows from them
/// and from the tokens that a round gives.
/// </summary>
internal sealed class RowCosts(TextModel model)
{
    private const int Turns = 31;

    private readonly Dictionary<(LayerPlan Plan, int Rows), double> _seconds = [];

    /// <summary>
    /// tokens per round × plain step / (draft steps + verification), where a verification runs one row through the draft's
    /// exact part and all rows through the rest and the head.
    /// </summary>
    public double PredictSpeedup(DraftOptions draft, double tokensPerRound)
    {
        LayerPlan full = LayerPlan.Full(model.LayerCount);
        LayerPlan front = LayerPlan.Of(model.LayerCount, draft.Plan.Blocks.Take(draft.Plan.ExactDepth));
        LayerPlan nothing = LayerPlan.Of(model.LayerCount, []);
        int rows = draft.Length + 1;
        double verify = Seconds(front, 1) - Seconds(nothing, 1) + Seconds(full, rows) - Seconds(front, rows) + Seconds(nothing, rows);
        return tokensPerRound * Seconds(full, 1) / (draft.Length * Seconds(draft.Plan, 1) + verify);
    }

    // Embedding, the plan's blocks and the head over so many rows; the median of some turns.
    private double Seconds(LayerPlan plan, int rows)
    {
        if (!_seconds.TryGetValue((plan, rows), out double seconds))
        {
            seconds = model.TimePass(plan, rows, repetitions: Turns).TotalSeconds;
            _seconds.Add((plan, rows), seconds);
        }

        return seconds;
    }
}
