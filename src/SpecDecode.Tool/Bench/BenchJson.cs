using System.Text.Json;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tool.Bench;

/// <summary>Comparisons as JSON.</summary>
internal static class BenchJson
{
    /// <summary>One way to draft beside plain decoding.</summary>
    /// <param name="output">Takes the object.</param>
    /// <param name="model">The model.</param>
    /// <param name="result">The comparison.</param>
    public static void Write(TextWriter output, TextModel model, BenchComparison result) => JsonResult.Write(output, json =>
    {
        WriteRun(json, "plain", result.Plain);
        WriteDrafted(json, result);
        WriteModel(json, model);
    });

    /// <summary>Several ways to draft beside plain decoding.</summary>
    /// <param name="output">Takes the object.</param>
    /// <param name="model">The model.</param>
    /// <param name="settings">The ways, as they were typed.</param>
    /// <param name="results">The comparison of each.</param>
    public static void Write(TextWriter output, TextModel model, IReadOnlyList<string> settings, IReadOnlyList<BenchComparison> results) => JsonResult.Write(output, json =>
    {
        WriteRun(json, "plain", results[0].Plain);
        json.WriteStartArray("settings");
        foreach ((string setting, BenchComparison result) in settings.Zip(results))
        {
            json.WriteStartObject();
            json.WriteString("setting", setting);
            WriteDrafted(json, result);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteModel(json, model);
    });

    /// <summary>Whether both sides wrote the same; null where that is not to be expected.</summary>
    public static void WriteIdentical(Utf8JsonWriter json, BenchComparison result)
    {
        if (result.IsComparable)
        {
            json.WriteBoolean("identical_outputs", result.Difference is null);
        }
        else
        {
            json.WriteNull("identical_outputs");
        }
    }

    private static void WriteDrafted(Utf8JsonWriter json, BenchComparison result)
    {
        WriteRun(json, result.IsDrafted ? "speculative" : "plain_again", result.Speculative);
        json.WriteNumberOrNull("speedup", result.Speedup);
        json.WriteNumberOrNull("speedup_min", result.Ratios[0]);
        json.WriteNumberOrNull("speedup_max", result.Ratios[^1]);
        json.WriteNumberOrNull("acceptance_rate", result.AcceptanceRate);
        json.WriteNumberOrNull("mean_acceptance_length", result.MeanAcceptanceLength);
        json.WriteNumberOrNull("outside_runtime_share", result.OutsideRuntimeShare);
        json.WriteNumberOrNull("managed_bytes_per_token", result.ManagedBytesPerToken);
        json.WriteNumberOrNull("draft_share", result.DraftShare);
        json.WriteNumberOrNull("verify_share", result.VerifyShare);
        json.WriteNumberOrNull("covered_share", result.CoveredShare);
        json.WriteNumber("drafted_tokens", result.Drafted);
        json.WriteNumber("looked_up_tokens", result.LookedUp);
        json.WriteNumber("guessed_tokens", result.Guessed);
        json.WriteNumber("guesses_taken", result.GuessesTaken);
        json.WriteStartObject("decisions");
        foreach ((DraftReason reason, long rounds) in result.Decisions)
        {
            json.WriteNumber(BenchText.Word(reason), rounds);
        }

        json.WriteEndObject();
        WriteIdentical(json, result);
        if (result.Difference is { } difference)
        {
            json.WriteStartObject("first_difference");
            json.WriteNumber("prompt", difference.Prompt);
            json.WriteNumber("position", difference.Position);
            json.WriteNumber("margin", difference.Margin);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("first_difference");
        }
    }

    private static void WriteModel(Utf8JsonWriter json, TextModel model)
    {
        json.WriteStartArray("plans");
        foreach (DraftEstimate estimate in model.EstimateDrafts())
        {
            json.WriteStartObject();
            json.WriteString("plan", estimate.Plan.ToString());
            json.WriteNumberOrNull("expected_speedup", estimate.ExpectedSpeedup);
            json.WriteNumberOrNull("calibration_error", estimate.CalibrationError);
            json.WriteNumberOrNull("judged_tokens", estimate.JudgedTokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("draft_vocabulary", model.DraftVocabulary);
        json.WriteString("draft_head_precision", model.DraftHeadPrecision is { } head ? PrecisionArguments.Name(head) : null);
        json.WriteNumberOrNull("peak_rss_mb", BenchComparison.PeakResidentMegabytes());
        json.WriteString("kernels", model.Kernels);
    }

    private static void WriteRun(Utf8JsonWriter json, string name, BenchRun run)
    {
        json.WriteStartObject(name);
        json.WriteNumberOrNull("tokens_per_second", run.TokensPerSecond);
        json.WriteNumberOrNull("ms_per_token", 1000 / run.TokensPerSecond);
        json.WriteNumberOrNull("prefill_tokens_per_second", run.PrefillTokensPerSecond);
        json.WriteEndObject();
    }
}
