using System.Globalization;
using SpecDecode.Calibration;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Calibrate;

/// <summary>A calibration's report as text.</summary>
internal static class CalibrationTable
{
    /// <summary>Writes what methods found, what was measured, and what there is to note.</summary>
    public static void Write(TextWriter output, TextModel model, CalibrationReport report)
    {
        void Line(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"searched on {report.SearchTokens} tokens, judged on {report.HeldOutTokens} others; a plain row takes {report.PlainRow?.TotalMilliseconds:f3} ms; {report.Elapsed.TotalMinutes:f1} minutes");
        output.WriteLine();
        output.WriteLine("| method | tried | search s | plan | row cost | agreement by position | draft length | expected | measured |");
        output.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (MethodReport method in report.Methods)
        {
            Line($"| {method.Name} | {method.Tried}{(method.IsExhausted ? "" : "+")} | {method.SearchTime.TotalSeconds:f1} | {Columns(model, method.Best)} |");
        }

        if (report.Plans.Any(plan => plan.MeasuredSpeedup is not null))
        {
            output.WriteLine();
            output.WriteLine("| measured plan | draft length | speed-up | expected | acceptance | repetitions | text |");
            output.WriteLine("|---|---|---|---|---|---|---|");
            foreach (CalibratedPlan plan in report.Plans.Where(plan => plan.MeasuredSpeedup is not null))
            {
                Line($"| {PlanWords.Of(plan, model.LayerCount)} | {plan.DraftLength} | {plan.MeasuredSpeedup:f3} | {plan.ExpectedSpeedup:f3} | {plan.MeasuredAcceptance:f3} | {plan.Repetitions} | {(plan.SameText == true ? "the same" : "differs")} |");
            }
        }

        output.WriteLine();
        foreach (string note in report.Notes)
        {
            output.WriteLine(note);
        }

        Line($"kernels: {model.Kernels}");
    }

    private static string Columns(TextModel model, CalibratedPlan? plan) => plan is null ? "- | - | - | - | - | -" : string.Create(
        CultureInfo.InvariantCulture,
        $"{PlanWords.Of(plan, model.LayerCount)} | {plan.DraftRowCost:f2} | {string.Join(' ', plan.AgreementByPosition.Take(4).Select(chance => chance.ToString("f2", CultureInfo.InvariantCulture)))} | {plan.DraftLength} | {plan.ExpectedSpeedup:f3} | {(plan.MeasuredSpeedup is { } measured ? measured.ToString("f3", CultureInfo.InvariantCulture) : "-")}");
}
