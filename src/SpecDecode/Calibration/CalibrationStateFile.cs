using System.Text.Json;
using SpecDecode.Evaluation;

namespace SpecDecode.Calibration;

/// <summary>A calibration's state on the disk: there whole, or as it was before.</summary>
/// <param name="path">The file.</param>
internal sealed class CalibrationStateFile(string path)
{
    // Thousands of plans of a model of a hundred layers.
    private const long MostBytes = 256 << 20;

    /// <summary>Reads the state; null where there is no file.</summary>
    /// <param name="setting">What it must have been begun for.</param>
    /// <exception cref="SpecDecodeException">It cannot be read, is damaged, or belongs to something else.</exception>
    public CalibrationState? Load(CalibrationSetting setting)
    {
        CalibrationState? state;
        try
        {
            FileInfo file = new(path);
            if (Directory.Exists(path) || (file.Exists && file.Length > MostBytes))
            {
                throw Damaged("it is not such a file", null);
            }

            if (!file.Exists)
            {
                return null;
            }

            using FileStream stream = file.OpenRead();
            state = JsonSerializer.Deserialize(stream, CalibrationStateJson.Default.CalibrationState);
        }
        catch (JsonException error)
        {
            throw Damaged(error.Message.Trim(), error);
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            throw new SpecDecodeException($"{path}: what the calibration knew cannot be read ({error.Message}): give this process the right to read it, or remove it.", error);
        }

        if (state is null || state.Format != CalibrationState.FormatName)
        {
            throw Damaged($"its format is not {CalibrationState.FormatName}", null);
        }

        if (state.Key != setting.Key)
        {
            throw new SpecDecodeException(
                $"{path}: it is of a calibration of another model, with other prompts or other options. Give those again to go on with it, or remove it to begin anew.");
        }

        return FindError(state, setting) is { } problem ? throw Damaged(problem, null) : state;
    }

    /// <summary>Writes the state.</summary>
    /// <exception cref="SpecDecodeException">The file cannot be written.</exception>
    public void Save(CalibrationState state)
    {
        string beside = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (FileStream stream = new(beside, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, state, CalibrationStateJson.Default.CalibrationState);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            TryDelete(beside);
            throw new SpecDecodeException($"{path}: what the calibration knows cannot be written there ({error.Message}): name another file, or free the space.", error);
        }
    }

    /// <summary>Removes the file.</summary>
    public void Delete() => TryDelete(path);

    private static string? FindError(CalibrationState state, CalibrationSetting setting)
    {
        if (state.Texts.Exists(text => text is null || Array.Exists(text, token => token < 0 || token >= setting.Stages.VocabularySize)))
        {
            return "a text has a token that the model does not have";
        }

        if (state.Texts.Count > setting.Prompts.Count || state.Texts.Where((text, i) => text.Length > setting.Capacity(i) - setting.Prompts[i].Length).Any())
        {
            return "it has more texts than there are prompts, or a text is too long";
        }

        bool hasDrafter = setting.Stages.DraftPrecision is not null;
        if (state.LengthTimes is null || (state.Times is null ? [] : (IEnumerable<BlockTimes>)[state.Times]).Concat(state.LengthTimes.Values).Any(times => !AreSound(times, hasDrafter)))
        {
            return "its times are none";
        }

        if (!IsTime(state.Seconds) || state.Methods.Exists(method => method is null || !IsTime(method.Seconds)))
        {
            return "it took no time that there is";
        }

        foreach (PlanState plan in state.Methods.SelectMany(method => method.Plans))
        {
            if (plan is null || (plan.Draft && !hasDrafter) || PlanText.TryParse(plan.Blocks, setting.Stages.LayerCount) is null
                || AgreementTally.TryRestore(plan.Reached, plan.Agreed, CalibrationOptions.DraftLength) is null)
            {
                return $"plan '{plan?.Blocks}' is none of this model, or its counts are none";
            }
        }

        return null;
    }

    // Up to some thirty years.
    private static bool IsTime(double seconds) => seconds >= 0 && seconds < 1e9;

    private static bool AreSound(BlockTimes? times, bool hasDrafter) => times is not null && times.Drafter is not null == hasDrafter
        && IsSound(times.Verifier, times.Rows) && times.DraftEnds > 0 && double.IsFinite(times.DraftEnds) && times.Bridge >= 0 && double.IsFinite(times.Bridge)
        && (times.Drafter is null || IsSound(times.Drafter, times.Rows));

    private static bool IsSound(BlockCurves curves, int[] rows) =>
        rows.Length > 0 && rows[0] == 1 && !rows.Zip(rows.Skip(1)).Any(pair => pair.First >= pair.Second)
        && Array.TrueForAll([curves.Ends, curves.Attention, curves.Mlp], times => times.Length == rows.Length && Array.TrueForAll(times, time => time > 0 && double.IsFinite(time)));

    private SpecDecodeException Damaged(string problem, Exception? cause) =>
        new($"{path}: what the calibration knew is damaged ({problem}): remove the file to begin anew.", cause);

    private static bool IsFileFailure(Exception error) => error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (IsFileFailure(error))
        {
            // It stays; the next calibration says so.
        }
    }
}
