using System.Globalization;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tool.Bench;

/// <summary>Measures a grid of early exits and draft lengths, and prints a table and the best cell.</summary>
internal static class Sweep
{
    /// <summary>Runs the cells one after the other.</summary>
    /// <param name="output">Takes the table, a row as soon as it is measured, or one JSON object at the end.</param>
    /// <param name="model">The model.</param>
    /// <param name="cells">What is tried.</param>
    /// <param name="run">Measures a cell, given what to say before how far it is.</param>
    /// <param name="asJson">Whether to write JSON.</param>
    public static void Run(
        TextWriter output, TextModel model, IReadOnlyList<(int ExitLayer, DraftingOptions Draft)> cells, Func<DraftingOptions, string, BenchComparison> run, bool asJson)
    {
        List<Cell> measured = [];
        if (!asJson)
        {
            output.WriteLine("| exit layer | draft length | threshold | acceptance | tokens a round | plain ms/token | speculative ms/token | speed-up | predicted | identical |");
            output.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            output.Flush();
        }

        foreach ((int exitLayer, DraftingOptions draft) in cells)
        {
            BenchComparison result = run(draft, string.Create(CultureInfo.InvariantCulture, $"cell {measured.Count + 1} of {cells.Count}, "));
            Cell cell = new(exitLayer, draft, result, draft.Threshold > 0 ? null : RowCosts.PredictSpeedup(
                model, LayerPlan.EarlyExit(model.LayerCount, exitLayer), draft.DraftLength, result.MeanAcceptanceLength));
            measured.Add(cell);
            if (!asJson)
            {
                output.WriteLine(cell.Row);
                output.Flush();
            }
        }

        Cell best = measured.MaxBy(cell => cell.Result.Speedup)!;
        if (asJson)
        {
            Write(output, model, measured, best);
        }
        else
        {
            output.WriteLine();
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"best: exit layer {best.ExitLayer}, draft length {best.Draft.DraftLength}, threshold {best.Draft.Threshold}, speed-up {best.Result.Speedup:f3}{(best.Predicted is { } predicted ? string.Create(CultureInfo.InvariantCulture, $", {best.Result.Speedup / predicted:f2} of what its tokens a round and the cost of rows predict") : "")}"));
            output.WriteLine($"kernels: {model.Kernels}");
        }
    }

    private static void Write(TextWriter output, TextModel model, List<Cell> cells, Cell best) => JsonResult.Write(output, json =>
    {
        json.WriteStartArray("cells");
        foreach (Cell cell in cells)
        {
            json.WriteStartObject();
            json.WriteNumber("exit_layer", cell.ExitLayer);
            json.WriteNumber("draft_length", cell.Draft.DraftLength);
            json.WriteNumber("threshold", cell.Draft.Threshold);
            json.WriteNumberOrNull("acceptance_rate", cell.Result.AcceptanceRate);
            json.WriteNumberOrNull("mean_acceptance_length", cell.Result.MeanAcceptanceLength);
            json.WriteNumberOrNull("plain_ms_per_token", 1000 / cell.Result.Plain.TokensPerSecond);
            json.WriteNumberOrNull("speculative_ms_per_token", 1000 / cell.Result.Speculative.TokensPerSecond);
            json.WriteNumberOrNull("speedup", cell.Result.Speedup);
            json.WriteNumberOrNull("predicted_speedup", cell.Predicted);
            BenchJson.WriteIdentical(json, cell.Result);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("best");
        json.WriteNumber("exit_layer", best.ExitLayer);
        json.WriteNumber("draft_length", best.Draft.DraftLength);
        json.WriteNumber("threshold", best.Draft.Threshold);
        json.WriteNumberOrNull("speedup", best.Result.Speedup);
        json.WriteEndObject();
        json.WriteString("kernels", model.Kernels);
    });

    /// <summary>One cell of the grid, measured; drafts that end at a threshold have no length to predict from.</summary>
    private sealed record Cell(int ExitLayer, DraftingOptions Draft, BenchComparison Result, double? Predicted)
    {
        public string Row => string.Create(
            CultureInfo.InvariantCulture,
            $"| {ExitLayer} | {Draft.DraftLength} | {Draft.Threshold} | {Result.AcceptanceRate:f3} | {Result.MeanAcceptanceLength:f3} | {1000 / Result.Plain.TokensPerSecond:f2} | {1000 / Result.Speculative.TokensPerSecond:f2} | {Result.Speedup:f3} | {Predicted?.ToString("f3", CultureInfo.InvariantCulture) ?? "none"} | {BenchText.Identical(Result)} |");
    }
}
