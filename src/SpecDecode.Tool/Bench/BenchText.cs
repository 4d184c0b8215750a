using System.Globalization;
using System.Text.Json;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Bench;

/// <summary>Comparisons as text.</summary>
internal static class BenchText
{
    /// <summary>One way to draft beside plain decoding.</summary>
    /// <param name="output">Takes the lines.</param>
    /// <param name="model">The model.</param>
    /// <param name="result">The comparison.</param>
    public static void Write(TextWriter output, TextModel model, BenchComparison result)
    {
        void Line(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        string second = result.IsDrafted ? "speculative" : "plain again";
        Line($"plain        {result.Plain.TokensPerSecond:f1} tokens/s, prefill {result.Plain.PrefillTokensPerSecond:f0} tokens/s");
        Line($"{second}  {result.Speculative.TokensPerSecond:f1} tokens/s, prefill {result.Speculative.PrefillTokensPerSecond:f0} tokens/s");
        Line($"{(result.IsDrafted ? "speed-up" : "ratio"),-11}  {result.Speedup:f3} ({result.Ratios[0]:f3} to {result.Ratios[^1]:f3})");
        if (result.IsDrafted)
        {
            Line($"acceptance   {result.AcceptanceRate:f3}, {result.MeanAcceptanceLength:f3} tokens a round");
        }

        if (result.IsDrafted && model.DraftVocabulary > 0)
        {
            Line($"vocabulary   drafts choose from {model.DraftVocabulary} tokens, which had {result.CoveredShare:p1} of the output");
        }

        if (result.IsDrafted && model.DraftHeadPrecision is { } head)
        {
            Line($"draft head   {PrecisionArguments.Name(head)}");
        }

        string shares = result.IsDrafted ? FormattableString.Invariant($"drafting {result.DraftShare:p1}, verifying {result.VerifyShare:p1}, ") : "";
        Line($"time         {shares}outside the runtime {result.OutsideRuntimeShare:p1}");
        Line($"memory       {result.ManagedBytesPerToken:f0} managed bytes a token, peak {Peak()} MB");
        Line($"kernels      {model.Kernels}");
        output.WriteLine($"outputs      {Outputs(result)}");
    }

    /// <summary>Why its rounds had a draft or none, where drafts came from, and what <c>auto</c> thinks of the plans.</summary>
    public static void Explain(TextWriter output, TextModel model, BenchComparison result)
    {
        output.WriteLine($"decisions    {Decisions(result)}");
        output.WriteLine($"drafts       {Sources(result)}");
        foreach (DraftEstimate estimate in model.EstimateDrafts())
        {
            output.WriteLine($"plan         {Plan(estimate)}");
        }
    }

    /// <summary>Several ways to draft beside plain decoding: a table, and below it what has no room in it.</summary>
    /// <param name="output">Takes the lines.</param>
    /// <param name="model">The model.</param>
    /// <param name="settings">The ways, as they were typed.</param>
    /// <param name="results">The comparison of each.</param>
    /// <param name="explains">Whether to add why rounds had a draft or none.</param>
    public static void Write(TextWriter output, TextModel model, IReadOnlyList<string> settings, IReadOnlyList<BenchComparison> results, bool explains)
    {
        int width = settings.Max(setting => setting.Length);
        output.WriteLine($"| {"setting".PadRight(width)} | tokens/s | speed-up | lowest | highest | acceptance | tokens a round | identical |");
        output.WriteLine($"|{new string('-', width + 2)}|---|---|---|---|---|---|---|");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {"(plain)".PadRight(width)} | {results[0].Plain.TokensPerSecond:f1} | 1 | | | | 1 | |"));
        foreach ((string setting, BenchComparison result) in settings.Zip(results))
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {setting.PadRight(width)} | {result.Speculative.TokensPerSecond:f1} | {result.Speedup:f3} | {result.Ratios[0]:f3} | {result.Ratios[^1]:f3} | {result.AcceptanceRate?.ToString("f3", CultureInfo.InvariantCulture) ?? "none"} | {result.MeanAcceptanceLength:f3} | {Identical(result)} |"));
        }

        output.WriteLine();
        foreach ((string setting, BenchComparison result) in settings.Zip(results))
        {
            if (result.Difference is not null)
            {
                output.WriteLine($"{setting}: outputs {Outputs(result)}");
            }

            if (explains)
            {
                output.WriteLine($"{setting}: {Decisions(result)}; {Sources(result)}");
            }
        }

        foreach (DraftEstimate estimate in explains ? model.EstimateDrafts() : [])
        {
            output.WriteLine($"plan {Plan(estimate)}");
        }

        if (model.DraftVocabulary > 0)
        {
            output.WriteLine($"vocabulary: drafts choose from {model.DraftVocabulary} tokens");
        }

        if (model.DraftHeadPrecision is { } head)
        {
            output.WriteLine($"draft head: {PrecisionArguments.Name(head)}");
        }

        output.WriteLine($"kernels: {model.Kernels}, peak memory {Peak()} MB");
    }

    /// <summary>A reason as metrics have it.</summary>
    public static string Word(DraftReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());

    /// <summary>Whether both sides wrote the same, in a word for a table.</summary>
    public static string Identical(BenchComparison result) => !result.IsComparable ? "drawn" : result.Difference is null ? "yes" : "no";

    private static string Outputs(BenchComparison result) => !result.IsComparable ? "drawn anew by rejection sampling, so not to be compared"
        : result.Difference is { } difference
        ? string.Create(CultureInfo.InvariantCulture, $"differ first in prompt {difference.Prompt} at token {difference.Position}, by a margin of {difference.Margin:e2}")
        : "identical";

    private static string Decisions(BenchComparison result) =>
        string.Join(", ", result.Decisions.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{Word(pair.Reason)} {pair.Rounds}")));

    private static string Sources(BenchComparison result) =>
        string.Create(CultureInfo.InvariantCulture, $"{result.Drafted - result.LookedUp} tokens by the drafter, {result.LookedUp} looked up")
        + (result.Guessed > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {result.GuessesTaken} of {result.Guessed} guesses taken") : "");

    private static string Plan(DraftEstimate estimate)
    {
        string speedup = estimate.ExpectedSpeedup?.ToString("f3", CultureInfo.InvariantCulture) ?? "unknown";
        return string.Create(
            CultureInfo.InvariantCulture, $"{estimate.Plan}: expected speed-up {speedup}, calibration error {estimate.CalibrationError:f3} over {estimate.JudgedTokens:f0} tokens");
    }

    private static string Peak() => BenchComparison.PeakResidentMegabytes()?.ToString("f0", CultureInfo.InvariantCulture) ?? "?";
}
