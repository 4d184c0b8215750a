using System.Text.Json;
using SpecDecode.Calibration;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Calibrate;

/// <summary>A calibration's report as JSON.</summary>
internal static class CalibrationJson
{
    /// <summary>Writes one object.</summary>
    public static void Write(TextWriter output, TextModel model, CalibrationReport report) => JsonResult.Write(output, json =>
    {
        json.WriteBoolean("complete", report.IsComplete);
        json.WriteNumberOrNull("seconds", report.Elapsed.TotalSeconds);
        json.WriteNumber("search_tokens", report.SearchTokens);
        json.WriteNumber("held_out_tokens", report.HeldOutTokens);
        json.WriteNumberOrNull("plain_row_ms", report.PlainRow?.TotalMilliseconds);
        json.WriteStartArray("methods");
        foreach (MethodReport method in report.Methods)
        {
            json.WriteStartObject();
            json.WriteString("method", method.Name);
            json.WriteString("paper", method.Paper);
            json.WriteNumber("tried", method.Tried);
            json.WriteBoolean("exhausted", method.IsExhausted);
            json.WriteNumberOrNull("search_seconds", method.SearchTime.TotalSeconds);
            json.WriteString("best", method.Best?.Plan.ToString());
            json.WriteNumberOrNull("expected_speedup", method.Best?.ExpectedSpeedup);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("plans");
        foreach (CalibratedPlan plan in report.Plans)
        {
            Write(json, plan);
        }

        json.WriteEndArray();
        json.WriteStartArray("front");
        foreach (TriedPlan plan in report.Tried.Where(plan => plan.IsOnFront).OrderBy(plan => plan.DraftRowCost))
        {
            json.WriteStartObject();
            json.WriteString("plan", plan.Plan.ToString());
            json.WriteString("method", plan.Method);
            json.WriteBoolean("uses_draft_weights", plan.UsesDraftWeights);
            json.WriteNumberOrNull("draft_row_cost", plan.DraftRowCost);
            json.WriteNumberOrNull("agreement", plan.Agreement);
            json.WriteNumberOrNull("expected_speedup", plan.ExpectedSpeedup);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("notes");
        foreach (string note in report.Notes)
        {
            json.WriteStringValue(note);
        }

        json.WriteEndArray();
        json.WriteString("kernels", model.Kernels);
    });

    private static void Write(Utf8JsonWriter json, CalibratedPlan plan)
    {
        json.WriteStartObject();
        json.WriteString("plan", plan.Plan.ToString());
        json.WriteString("method", plan.Method);
        json.WriteBoolean("uses_draft_weights", plan.UsesDraftWeights);
        if (plan.CascadeExits.Count > 0)
        {
            json.WriteStartArray("cascade_exits");
            foreach (int exit in plan.CascadeExits)
            {
                json.WriteNumberValue(exit);
            }

            json.WriteEndArray();
            json.WriteNumber("cascade_length", plan.CascadeLength);
        }

        json.WriteNumber("draft_length", plan.DraftLength);
        json.WriteNumberOrNull("draft_row_cost", plan.DraftRowCost);
        json.WriteNumberOrNull("search_agreement", plan.SearchAgreement);
        json.WriteNumberOrNull("held_out_agreement", plan.HeldOutAgreement);
        json.WriteStartArray("agreement_by_position");
        foreach (double chance in plan.AgreementByPosition)
        {
            json.WriteNumberValue(Math.Round(chance, 4));
        }

        json.WriteEndArray();
        json.WriteNumberOrNull("expected_speedup", plan.ExpectedSpeedup);
        json.WriteNumberOrNull("measured_speedup", plan.MeasuredSpeedup);
        json.WriteNumberOrNull("measured_acceptance", plan.MeasuredAcceptance);
        json.WriteNumber("repetitions", plan.Repetitions);
        if (plan.SameText is { } same)
        {
            json.WriteBoolean("same_text", same);
        }
        else
        {
            json.WriteNull("same_text");
        }

        json.WriteEndObject();
    }
}
