using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SpecDecode.Drafting.Profiles;

/// <summary>From a profile to JSON, in the shortest words that say its plans.</summary>
internal static class ProfileWriter
{
    /// <summary>The model's own weights.</summary>
    public const string Verifier = "verifier";

    /// <summary>The copy in lower precision.</summary>
    public const string Drafter = "drafter";

    /// <summary>How a day is written.</summary>
    public const string DateFormat = "yyyy-MM-dd";

    /// <summary>What a plan with a bridge requires.</summary>
    public const string Bridge = "bridge";

    /// <summary>What a plan with a cascade requires.</summary>
    public const string CascadeWord = "cascade";

    /// <summary>Writes a profile.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="path">The file that it is for, which decides how that of its bridges is called.</param>
    /// <exception cref="SpecDecodeException">A number in it is none, or no model has so many layers.</exception>
    public static byte[] Write(DraftingProfile profile, string path)
    {
        if (profile.Model.LayerCount is < 1 or > ModelIdentity.MaxLayerCount)
        {
            throw new SpecDecodeException($"The drafting profile is for a model with {profile.Model.LayerCount} layers: give 1 to {ModelIdentity.MaxLayerCount}.");
        }

        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("version", DraftingProfile.FormatVersion);
            json.WriteStartObject("model");
            json.WriteString("family", profile.Model.Family);
            json.WriteNumber("layers", profile.Model.LayerCount);
            json.WriteNumber("vocabularySize", profile.Model.VocabularySize);
            Text(json, "fingerprint", profile.Model.Fingerprint);
            json.WriteEndObject();
            if (profile.Measured is { } measured)
            {
                Measured(json, measured);
            }

            if (profile.Bridges.Count > 0)
            {
                string fingerprint = BridgeFile.Fingerprint(profile.Bridges);
                json.WriteStartObject("bridges");
                json.WriteString("file", BridgeFile.NameBeside(path, fingerprint));
                json.WriteString("fingerprint", fingerprint);
                json.WriteEndObject();
            }

            json.WriteStartArray("plans");
            foreach (ProfilePlan plan in profile.Plans)
            {
                Plan(json, plan, profile.Model.LayerCount);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Measured(Utf8JsonWriter json, ProfileMeasurement measured)
    {
        json.WriteStartObject("measured");
        Text(json, "processor", measured.Processor);
        if (measured.Threads is { } threads)
        {
            json.WriteNumber("threads", threads);
        }

        Text(json, "precision", measured.Precision?.Name());
        Text(json, "draftPrecision", measured.DraftPrecision?.Name());
        Text(json, "kernels", measured.Kernels);
        Text(json, "date", measured.Date?.ToString(DateFormat, CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    private static void Plan(Utf8JsonWriter json, ProfilePlan plan, int layerCount)
    {
        json.WriteStartObject();
        if (ProfilePlan.ExitOf(plan.Plan) is { } exit)
        {
            json.WriteNumber("exitLayer", exit);
        }
        else if (ProfilePlan.Skipped(plan.Plan, layerCount) is var (attention, mlp))
        {
            Numbers(json, "skipAttention", attention);
            Numbers(json, "skipMlp", mlp);
        }
        else
        {
            json.WriteString("blocks", plan.Plan.ToString());
        }

        string[] required = [.. plan.Plan.Bridge is null ? (string[])[] : [Bridge], .. plan.CascadeExits.Count == 0 ? (string[])[] : [CascadeWord]];
        if (required.Length > 0)
        {
            json.WritePropertyName("requires");
            json.WriteRawValue($"[{string.Join(", ", required.Select(word => $"\"{word}\""))}]");
        }

        json.WriteString("weights", plan.UsesDraftWeights ? Drafter : Verifier);
        json.WriteNumber("draftLength", plan.DraftLength);
        Number(json, "threshold", plan.Threshold);
        if (plan.CascadeExits.Count > 0)
        {
            json.WriteStartObject(CascadeWord);
            Numbers(json, "exits", plan.CascadeExits);
            json.WriteNumber("length", plan.CascadeLength);
            Number(json, "threshold", plan.CascadeThreshold);
            json.WriteEndObject();
        }

        if (plan.Agreement.Count > 0)
        {
            Numbers(json, "agreement", plan.Agreement.Select(Finite));
        }

        Number(json, "draftRowCost", plan.DraftRowCost);
        Number(json, "expectedSpeedup", plan.ExpectedSpeedup);
        Number(json, "measuredSpeedup", plan.MeasuredSpeedup);
        if (plan.FromLengths.Count > 0)
        {
            Numbers(json, "fromLengths", plan.FromLengths);
        }

        Text(json, "method", plan.Method);
        json.WriteEndObject();
    }

    // On one line.
    private static void Numbers<T>(Utf8JsonWriter json, string name, IEnumerable<T> numbers)
        where T : IFormattable
    {
        json.WritePropertyName(name);
        json.WriteRawValue($"[{string.Join(", ", numbers.Select(number => number.ToString(null, CultureInfo.InvariantCulture)))}]");
    }

    private static void Number(Utf8JsonWriter json, string name, float number)
    {
        Finite(number);
        json.WriteNumber(name, number);
    }

    private static void Number(Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } known)
        {
            json.WriteNumber(name, Finite(known));
        }
    }

    private static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static double Finite(double number) => double.IsFinite(number)
        ? number
        : throw new SpecDecodeException($"A number of the drafting profile is {number.ToString(CultureInfo.InvariantCulture)}, which cannot be written: measure it again, or leave it out.");
}
