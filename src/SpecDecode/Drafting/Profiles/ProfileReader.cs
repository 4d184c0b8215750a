using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using SpecDecode.Plans;

namespace SpecDecode.Drafting.Profiles;

/// <summary>
/// From JSON to a profile. All that a file may say has bounds, so what it costs to read one has. Of a later minor version what is unknown is
/// passed over, but for plans that say in <c>requires</c> that they need it.
/// </summary>
internal static class ProfileReader
{
    private const int MajorVersion = 1;
    private const int MinorVersion = 3;
    private const int MaxDepth = 16;

    // No list of a file makes anything larger than this.
    private const int MostBlocks = 4096;
    private const int MostTokens = 1 << 30;
    private const int MostThreads = 1 << 16;
    private const int MostRequired = 16;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a profile.</summary>
    /// <param name="utf8">The JSON; a byte order mark at the start is passed over.</param>
    /// <param name="source">The file, for messages.</param>
    /// <param name="bridges">Reads the file of its bridges, of which it is given name, number of layers and fingerprint; null where there is no place for one.</param>
    /// <exception cref="SpecDecodeException">It is none.</exception>
    public static DraftingProfile Read(ReadOnlyMemory<byte> utf8, string source, Func<string, int, string, IReadOnlyList<LinearBridge>>? bridges)
    {
        if (utf8.Length > DraftingProfile.MaxFileBytes)
        {
            throw ProfileElement.Fail(source, $"has {utf8.Length} bytes, and a drafting profile has at most {DraftingProfile.MaxFileBytes}: name another file");
        }

        if (!Utf8.IsValid(utf8.Span))
        {
            throw ProfileElement.Fail(source, "is no valid UTF-8: save it as UTF-8, or restore it");
        }

        if (utf8.Span.StartsWith(ByteOrderMark))
        {
            utf8 = utf8[ByteOrderMark.Length..];
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return json.RootElement.ValueKind == JsonValueKind.Object
                ? Profile(new ProfileElement(source, "", json.RootElement), source, bridges)
                : throw ProfileElement.Fail(source, $"holds {ProfileElement.Describe(json.RootElement)} where an object is expected: name the file of a drafting profile");
        }
        catch (JsonException error)
        {
            throw ProfileElement.Fail(
                source, string.Create(CultureInfo.InvariantCulture, $"is not valid JSON of at most {MaxDepth} levels at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1} of that line; it may have been cut off: correct that line, restore the file, or calibrate again"), error);
        }
    }

    private static DraftingProfile Profile(ProfileElement root, string source, Func<string, int, string, IReadOnlyList<LinearBridge>>? bridges)
    {
        bool isLater = IsLater(root);
        root.Text("$schema", most: 2048);
        ModelIdentity model = Model(root.Required("model", root.Object("model")), isLater);
        ProfileMeasurement? measured = root.Object("measured") is { } found ? Measured(found, isLater) : null;
        IReadOnlyList<LinearBridge>? known = Bridges(root, model.LayerCount, isLater, bridges);
        ProfileElement[] elements = root.Required("plans", root.Objects("plans", DraftingProfile.MaxPlans));
        List<ProfilePlan> plans = [];
        List<string> warnings = [];
        for (int i = 0; i < elements.Length; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"plans[{i}]");
            string[] required = elements[i].Texts("requires", MostRequired);
            if (Array.Find(required, what => what is not (ProfileWriter.Bridge or ProfileWriter.CascadeWord)) is { } unknown)
            {
                warnings.Add($"{source}: {name} is passed over, since it requires {Checkpoints.CheckpointText.Quote(unknown)}, which this version of the library does not have.");
                continue;
            }

            ProfilePlan plan = Plan(elements[i], model.LayerCount, isLater);
            if (plan.Plan.Bridge is { } bridge)
            {
                if (known is null)
                {
                    warnings.Add($"{source}: {name} is passed over, since its bridge lies in a file beside the profile: load the profile from its file.");
                    continue;
                }

                if (known.All(there => there.Layer != bridge.Layer))
                {
                    throw elements[i].Error("blocks", $"ends with {bridge}, and the profile has no bridge behind layer {bridge.Layer}: calibrate again, or remove the plan");
                }
            }

            int same = plans.FindIndex(other => other.UsesDraftWeights == plan.UsesDraftWeights && other.Plan.Equals(plan.Plan) && Equals(other.Cascade, plan.Cascade));
            plans.Add(same < 0 ? plan : throw root.Error(name, "runs the same blocks on the same weights as a plan before it: remove one of them"));
        }

        if (plans.Count == 0)
        {
            throw root.Error("plans", elements.Length == 0
                ? "is empty: name a plan at least, or do without the profile"
                : "has none that this version of the library can run: calibrate again, or use a later version");
        }

        CheckUnknown(root, isLater);
        return new DraftingProfile { Model = model, Measured = measured, Plans = [.. plans], Bridges = known ?? [], Warnings = [.. warnings], Source = source };
    }

    // Null where the profile has some that cannot be read from here.
    private static IReadOnlyList<LinearBridge>? Bridges(
        ProfileElement root, int layers, bool isLater, Func<string, int, string, IReadOnlyList<LinearBridge>>? bridges)
    {
        if (root.Object("bridges") is not { } element)
        {
            return [];
        }

        string file = element.Required("file", element.Text("file"));
        string fingerprint = element.Required("fingerprint", element.Text("fingerprint"));
        // A file beside the profile, whoever wrote it; no way to another folder.
        if (file != Path.GetFileName(file) || !file.EndsWith(BridgeFile.Extension, StringComparison.Ordinal) || file.AsSpan().ContainsAny('/', '\\', ':'))
        {
            throw element.Error("file", $"is {Checkpoints.CheckpointText.Quote(file)}: give the name of a file beside the profile that ends with {BridgeFile.Extension}");
        }

        CheckUnknown(element, isLater);
        IReadOnlyList<LinearBridge>? read = bridges?.Invoke(file, layers, fingerprint);
        return read is null || read.All(bridge => bridge.Layer < layers) && read.DistinctBy(bridge => bridge.Layer).Count() == read.Count
            ? read
            : throw element.Error("file", $"has two bridges behind one layer, or one behind a layer that a model with {layers} layers does not have: give each layer one at most");
    }

    private static bool IsLater(ProfileElement root)
    {
        string version = root.Required("version", root.Text("version", most: 16));
        string[] parts = version.Split('.');
        if (parts.Length != 2 || !Number(parts[0], out int major) || !Number(parts[1], out int minor))
        {
            throw root.Error("version", $"is {Checkpoints.CheckpointText.Quote(version)}: give major and minor, such as \"{DraftingProfile.FormatVersion}\"");
        }

        return major == MajorVersion ? minor > MinorVersion : throw root.Error(
            "version", $"is {version}, and this version of the library reads {MajorVersion}.x: {(major > MajorVersion ? "use a later version of the library, or calibrate again" : "calibrate again")}");

        static bool Number(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static ModelIdentity Model(ProfileElement model, bool isLater)
    {
        string family = model.Required("family", model.Text("family"));
        int layers = model.Required("layers", model.Int("layers", 1, ModelIdentity.MaxLayerCount));
        int vocabulary = model.Required("vocabularySize", model.Int("vocabularySize", 1, MostTokens));
        string? fingerprint = model.Text("fingerprint");
        if (fingerprint is not null && (fingerprint.Length != ModelIdentity.FingerprintLength || !fingerprint.All(char.IsAsciiHexDigitLower)))
        {
            throw model.Error("fingerprint", $"is {Checkpoints.CheckpointText.Quote(fingerprint)}: give {ModelIdentity.FingerprintLength} hexadecimal digits in lower case, or leave it out to go by family and sizes alone");
        }

        CheckUnknown(model, isLater);
        return new ModelIdentity(family, layers, vocabulary, fingerprint);
    }

    private static ProfileMeasurement Measured(ProfileElement measured, bool isLater)
    {
        ProfileMeasurement result = new()
        {
            Processor = measured.Text("processor"), Threads = measured.Int("threads", 1, MostThreads), Precision = PrecisionOf(measured, "precision"),
            DraftPrecision = PrecisionOf(measured, "draftPrecision"), Kernels = measured.Text("kernels"), Date = DateOf(measured, "date"),
        };
        CheckUnknown(measured, isLater);
        return result;
    }

    private static ProfilePlan Plan(ProfileElement plan, int layers, bool isLater)
    {
        ProfilePlan result = new()
        {
            Plan = Blocks(plan, layers),
            UsesDraftWeights = plan.Text("weights") switch
            {
                null or ProfileWriter.Verifier => false,
                ProfileWriter.Drafter => true,
                var other => throw plan.Error("weights", $"is {Checkpoints.CheckpointText.Quote(other)}: give {ProfileWriter.Verifier} or {ProfileWriter.Drafter}"),
            },
            DraftLength = plan.Int("draftLength", 1, DraftingOptions.MaxDraftLength) ?? DraftingOptions.DefaultDraftLength,
            Threshold = plan.Share("threshold") ?? 0,
            Agreement = plan.Shares("agreement", DraftingOptions.MaxDraftLength),
            DraftRowCost = plan.Positive("draftRowCost"),
            ExpectedSpeedup = plan.Positive("expectedSpeedup"),
            MeasuredSpeedup = plan.Positive("measuredSpeedup"),
            Method = plan.Text("method"),
            FromLengths = FromLengths(plan),
        };
        if (plan.Object(ProfileWriter.CascadeWord) is { } cascade)
        {
            result = WithCascade(result, cascade);
            CheckUnknown(cascade, isLater);
        }

        CheckUnknown(plan, isLater);
        return result;
    }

    private static ProfilePlan WithCascade(ProfilePlan plan, ProfileElement cascade)
    {
        int most = DraftCascade.LastExit(plan.Plan);
        if (most == 0)
        {
            throw cascade.Error("exits", "has no place: the plan runs no layer before its last as the whole model does: remove the cascade");
        }

        int[] exits = cascade.Ints("exits", 1, most, DraftCascade.MostLevels) ?? [];
        return exits.Length == 0 ? throw cascade.Error("exits", $"is missing or empty: give 1 to {DraftCascade.MostLevels} exits, or remove the cascade")
            : exits.Distinct().Count() < exits.Length ? throw cascade.Error("exits", "names a layer twice: give each once")
            : plan with
            {
                CascadeExits = exits,
                CascadeLength = cascade.Int("length", 1, DraftingOptions.MaxDraftLength) ?? DraftingOptions.DefaultCascadeLength,
                CascadeThreshold = cascade.Share("threshold") ?? 0,
            };
    }

    private static int[] FromLengths(ProfileElement plan)
    {
        int[] lengths = plan.Ints("fromLengths", 1, int.MaxValue, ProfilePlan.MaxFromLengths) ?? [];
        return lengths.Zip(lengths.Skip(1)).All(pair => pair.First < pair.Second) ? lengths : throw plan.Error("fromLengths", "is not in ascending order: give each length once, the shortest first");
    }

    private static LayerPlan Blocks(ProfileElement plan, int layers)
    {
        int? exit = plan.Int("exitLayer", 1, layers);
        int[]? attention = plan.Ints("skipAttention", 0, layers - 1, layers);
        int[]? mlp = plan.Ints("skipMlp", 0, layers - 1, layers);
        string? blocks = plan.Text("blocks", most: 6 * MostBlocks);
        bool skips = attention is not null || mlp is not null;
        if ((exit is null ? 0 : 1) + (skips ? 1 : 0) + (blocks is null ? 0 : 1) != 1)
        {
            throw plan.Error("exitLayer", "is one of three ways to say which blocks run: give exitLayer, or skipAttention and skipMlp, or blocks, and no other");
        }

        if (exit is { } layer)
        {
            return LayerPlan.EarlyExit(layers, layer);
        }

        return skips
            ? LayerPlan.LayerSkip(layers, attention ?? [], mlp ?? [])
            : LayerPlan.Of(layers, BlockList(plan, blocks!, layers));
    }

    private static List<Block> BlockList(ProfileElement plan, string text, int layers)
    {
        List<Block> list = [];
        foreach (Range range in text.AsSpan().Split(' '))
        {
            ReadOnlySpan<char> word = text.AsSpan()[range];
            if (list.Count == MostBlocks)
            {
                throw plan.Error("blocks", $"names more than {MostBlocks} blocks: name fewer");
            }

            list.Add(Block.TryParse(word, layers) ?? throw plan.Error(
                "blocks", $"has {Checkpoints.CheckpointText.Quote(word.ToString())}: give blocks such as A0 and M{layers - 1} with a space between, for attention and MLP of layers 0 to {layers - 1}, at the end B0 for a bridge"));
        }

        if (!LayerPlan.HasBridgeLast(list))
        {
            throw plan.Error("blocks", "has a block behind a bridge: a bridge leads to the head, so give it last");
        }

        return list;
    }

    private static Precision? PrecisionOf(ProfileElement element, string name) => element.Text(name) is { } text
        ? Precisions.Parse(text) ?? throw element.Error(name, $"is {Checkpoints.CheckpointText.Quote(text)}: give the name of a precision, such as int8")
        : null;

    private static DateOnly? DateOf(ProfileElement element, string name) => element.Text(name) is { } text
        ? DateOnly.TryParseExact(text, ProfileWriter.DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date)
            ? date : throw element.Error(name, $"is {Checkpoints.CheckpointText.Quote(text)}: give a day as {ProfileWriter.DateFormat}")
        : null;

    private static void CheckUnknown(ProfileElement element, bool isLater)
    {
        if (!isLater)
        {
            element.CheckUnknown();
        }
    }
}
