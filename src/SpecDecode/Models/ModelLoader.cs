using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Families;
using SpecDecode.Kernels;
using SpecDecode.Limits;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Plans;
using SpecDecode.Stages;
using SpecDecode.Tokenizers;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>What loading a checkpoint gives: the stages, and what goes with them.</summary>
/// <param name="Description">The model as data.</param>
/// <param name="Weights">The copies of the weights, which the stages need as long as they live.</param>
/// <param name="Stages">The stages.</param>
/// <param name="Tokenizer">Its tokenizer; null where there is none that can be used.</param>
/// <param name="Chat">What it has for conversations.</param>
internal sealed record LoadedModel(DecoderDescription Description, WeightCopies Weights, IStages Stages, TextTokenizer? Tokenizer, ModelChat Chat) : IDisposable
{
    /// <summary>What its matrices are stored as.</summary>
    public required Precision Precision { get; init; }

    /// <summary>Which model it is, whatever folder and precision it was loaded from and in.</summary>
    public ModelIdentity Identity { get; } = new(Description.Family, Description.Layers.Length, Description.VocabularySize, Weights.Verifier.Fingerprint);

    /// <summary>The drafting profile of this model that lies in its folder; null where there is none.</summary>
    public DraftingProfile? Profile { get; init; }

    /// <summary>What the head of drafts is rounded to; null where it is stored as the head is.</summary>
    public Precision? DraftHeadPrecision { get; init; }

    /// <summary>Whose code multiplies by matrices, and for which instruction set, in words.</summary>
    public required string Kernels { get; init; }

    /// <summary>How many threads compute, and why; null where the application made ONNX Runtime's environment.</summary>
    public required ThreadChoice? Threads { get; init; }

    /// <summary>Whether attention runs on a device, and keys and values lie there.</summary>
    public bool AttendsOnDevice { get; init; }

    /// <summary>What drafting has learnt about it in earlier times, and where that is kept.</summary>
    public required DraftMemory Memory { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stages.Dispose();
        Weights.Dispose();
        FreedMemory.GiveBack();
    }
}

/// <summary>From a checkpoint folder to stages: open, describe, prepare the weights, create the sessions.</summary>
internal static class ModelLoader
{
    /// <summary>Loads a model.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="options">In which precision, and where prepared weights go.</param>
    /// <param name="runtime">How it is run.</param>
    /// <param name="warn">Told what is not as the user may expect, a sentence at a time, one after the other but from several threads.</param>
    /// <param name="progress">Told how far loading is.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    public static LoadedModel Load(
        string folder, ModelOptions options, RuntimeOptions runtime, Action<string> warn,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Check(runtime);
        warn = OneAtATime(warn);
        if (ExecutionProvider.IsOnDevice(runtime))
        {
            // A device that cannot be had ends the loading before anything is read.
            ExecutionProvider.Get(runtime, RuntimeEnvironment.Get(runtime, warn));
            options = ForDevice(options);
        }

        // Where there is anything to load; else nothing is decided for the process.
        Thread? environment = File.Exists(Path.Combine(folder, CheckpointFolder.Config)) ? RuntimeEnvironment.BringUp(runtime) : null;
        try
        {
            return LoadModel(folder, options, runtime, warn, progress, cancellationToken);
        }
        catch
        {
            // A caller who tries again, or ends the process, does so with nothing under way.
            environment?.Join();
            throw;
        }
    }

    private static LoadedModel LoadModel(
        string folder, ModelOptions options, RuntimeOptions runtime, Action<string> warn, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        using ModelFolder source = ModelFolder.Open(folder, options);
        Checkpoint checkpoint = source.Checkpoint;
        DecoderDescription description = ModelFamilies.Describe(checkpoint) with { ElementType = ElementTypes.Of(runtime.ComputePrecision) };
        int maxSequenceLength = MaxSequenceLength(runtime, description);
        bool attendsOnDevice = DeviceAttention.IsWanted(description, runtime, warn);
        DeviceAttention.CheckGraphs(attendsOnDevice, runtime);
        DeviceAttention.CheckSegments(description, attendsOnDevice, runtime);

        using ModelFolder? draftSource = OpenForDrafts(folder, options, source.Settings);
        DraftHeadSettings draftHead = DraftHeadSettings.Of(options, description.VocabularySize, source.Settings, draftSource?.Settings);

        // Weights that are not known yet are read in full; the tokenizer and the environment come up meanwhile.
        using CancellationTokenSource abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<WeightCopies> prepared = Task.Run(() => OpenWeights(source, draftSource, description, warn, progress, abandoned.Token), CancellationToken.None);
        _ = KernelCompilation.Start(description, source.Settings, draftHead.Precision, options.Activations, !attendsOnDevice, runtime.KvPrecision);
        bool loaded = false;
        try
        {
            TextTokenizer? tokenizer = TokenizerLoading.Load(checkpoint.Folder, checkpoint.TokenizerPath, description.VocabularySize, warn);
            ModelChat chat = ModelChat.Load(checkpoint.Folder, tokenizer, options.ChatTemplate);
            RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, warn);
            ExecutionProvider provider = ExecutionProvider.Get(runtime, environment);
            WeightCopies weights = prepared.GetAwaiter().GetResult();
            string kernels = weights.Verifier.IsInPanels ? $"own, {InstructionSets.Current.Name()}" : provider.IsDevice ? $"ONNX Runtime on {runtime.ExecutionProvider.ToLowerInvariant()} {runtime.DeviceId}" : "ONNX Runtime";
            DraftMemory memory = OpenMemory(options, runtime, weights, draftHead, kernels, environment.Threads, attendsOnDevice, warn);
            OnnxStages stages = CreateStages(
                description, weights, source.Settings, draftHead, draftSource?.Settings.Precision, environment, provider, runtime, maxSequenceLength, attendsOnDevice, warn, progress,
                cancellationToken);
            loaded = true;
            LoadedModel model = new(description, weights, stages, tokenizer, chat)
            {
                Precision = source.Settings.Precision, DraftHeadPrecision = draftHead.Precision, Threads = environment.Threads, Kernels = kernels, Memory = memory, AttendsOnDevice = attendsOnDevice,
            };
            return model with { Profile = FolderProfile.Find(checkpoint.Folder, model.Identity, stages.Bridges, warn) };
        }
        finally
        {
            // The work reads the folder's files, which close when this method ends.
            abandoned.Cancel();
            Task.WaitAny([prepared], CancellationToken.None);
            if (!loaded && prepared.IsCompletedSuccessfully)
            {
                prepared.Result.Dispose();
            }
        }
    }

    // By all that chances and times depend on, as far as it is not measured: another value of it is another file.
    private static DraftMemory OpenMemory(
        ModelOptions options, RuntimeOptions runtime, WeightCopies weights, DraftHeadSettings draftHead, string kernels, ThreadChoice? threads, bool attendsOnDevice, Action<string> warn) =>
        DraftMemory.Open(
            options.CacheFolder,
            [
                weights.Verifier.Key, weights.Drafter?.Key ?? "no copy", draftHead.ToString(), options.Activations.ToString(), options.WeightMemory.ToString(), kernels,
                InstructionSets.Current.ToString(), FormattableString.Invariant($"{threads?.Count} threads"), runtime.ComputePrecision == ComputePrecision.Fp32 ? runtime.ExecutionProvider : $"{runtime.ExecutionProvider} in {runtime.ComputePrecision}",
                .. attendsOnDevice ? (ReadOnlySpan<string>)["attention there"] : [],
                .. runtime.DeviceSegments ? (ReadOnlySpan<string>)["segments there"] : [],
            ],
            warn);

    // What there is when something fails, a callback among it, is given back here; the weights stay the caller's.
    private static OnnxStages CreateStages(
        DecoderDescription description, WeightCopies weights, WeightSettings settings, DraftHeadSettings draftHead, Precision? draftPrecision,
        RuntimeEnvironment environment, ExecutionProvider provider, RuntimeOptions runtime, int maxSequenceLength, bool attendsOnDevice, Action<string> warn, IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken)
    {
        StageSessions? verifier = null;
        StageSessions? drafter = null;
        IAttentionStages? attention = null;
        DeviceRows? device = null;
        BridgeStages? bridges = null;
        OnnxStages? stages = null;
        try
        {
            verifier = StageSessions.Create(description, weights.Verifier, environment, runtime, progress, cancellationToken, provider, attendsOnDevice);
            drafter = weights.Drafter is null ? null
                : StageSessions.Create(description, weights.Drafter, environment, runtime, progress, cancellationToken, provider, attendsOnDevice);
            // Only the verifier's: a drafter in a precision of its own only proposes.
            verifier.ProbeRows(description, provider.Buffers);
            device = provider.DeviceMemory is null ? null : new DeviceRows(description.ElementType, provider, provider.DeviceMemory);
            if (attendsOnDevice)
            {
                attention = verifier.CreateAttention(description, weights.Verifier, environment, runtime, provider, device!, maxSequenceLength);
                if (runtime.DeviceSegments)
                {
                    verifier.AddSegments(description, weights.Verifier, environment, runtime, attention, provider);
                    drafter?.AddSegments(description, weights.Drafter!, environment, runtime, attention, provider);
                }
            }
            else
            {
                AttentionStages own = verifier.CreateAttention(description, weights.Verifier, environment, runtime, provider.Buffers, maxSequenceLength);
                attention = own;
                verifier.AddSegments(description, weights.Verifier, environment, runtime, own);
                verifier.Segments?.Know(LayerPlan.Full(description.Layers.Length).Blocks.AsSpan());
                drafter?.AddSegments(description, weights.Drafter!, environment, runtime, own);
            }

            bridges = verifier.CreateBridges(description, weights.Verifier, environment, runtime, provider.Buffers, canRun: provider.DeviceMemory is null);
            AddDraftHead(verifier, weights.Verifier);
            if (drafter is not null)
            {
                AddDraftHead(drafter, weights.Drafter!);
            }

            stages = new OnnxStages(
                description, verifier, drafter is null ? null : (drafter, draftPrecision!.Value), attention, bridges, provider.Buffers, maxSequenceLength, runtime.MaxRowsPerPass, device);
            if (!stages.RowsAreAlike)
            {
                warn(RowsDiffer(settings));
            }

            return stages;
        }
        catch
        {
            stages?.Dispose();
            attention?.Dispose();
            device?.Dispose();
            bridges?.Dispose();
            drafter?.Dispose();
            verifier?.Dispose();
            throw;
        }

        void AddDraftHead(StageSessions sessions, PreparedWeights own)
        {
            TensorFormat head = own[description.Head.Weight].Format;
            if (draftHead.IsOn(head))
            {
                int tokens = draftHead.Vocabulary ?? description.VocabularySize;
                TensorFormat format = draftHead.FormatOf(head);
                // Some thousand rows are little beside the weights, which may be more than memory where they are mapped.
                if (draftHead.Vocabulary is null && DraftHeadSettings.FindError(format.PanelsBytes(tokens, description.Head.Inputs), weights.TensorBytes, ProcessLimits.Current.MemoryBytes) is { } error)
                {
                    throw error;
                }

                sessions.AddDraftHead(description, own, environment, runtime, provider.Buffers, tokens, format);
            }
        }
    }

    // The kernels of this library are the CPU's.
    private static ModelOptions ForDevice(ModelOptions options)
    {
        if (options.Kernels == KernelChoice.Own)
        {
            throw new OptionException(
                $"{OptionName.OfModel(nameof(options.Kernels))} is Own, but the kernels of this library run on the CPU alone: leave it out, or use the execution provider cpu.");
        }

        ModelOptions own = options.Copy();
        own.Kernels = KernelChoice.OnnxRuntime;
        return own;
    }

    // Weights are opened while the tokenizer and the environment come up.
    private static Action<string> OneAtATime(Action<string> warn)
    {
        Lock gate = new();
        return warning =>
        {
            lock (gate)
            {
                warn(warning);
            }
        };
    }

    private static string RowsDiffer(WeightSettings settings) =>
        $"On this processor the last bits of a row in {settings.Precision.Name()}"
        + (settings.Quantizes ? $", head {settings.Head.Name()}, blocks of {settings.BlockSize}," : "")
        + " depend on the rows beside it: drafted and batched texts may part from plain ones where two tokens are nearly equally probable. Another block size or precision may be free of that.";

    private static ModelFolder? OpenForDrafts(string folder, ModelOptions options, WeightSettings verifier)
    {
        if (options.DraftPrecision is not { } precision)
        {
            return null;
        }

        if (!precision.IsQuantized() || precision.Bits() >= verifier.Precision.Bits())
        {
            OptionName draft = OptionName.OfModel(nameof(options.DraftPrecision));
            string own = verifier.Precision.Name();
            throw verifier.Precision == Precision.Int4
                ? new OptionException($"{draft} is {precision.Name()}, and the model's own precision is {own}: give the model a higher {OptionName.OfModel(nameof(options.Precision))}, or leave it out.")
                : new OptionException($"{draft} is {precision.Name()}, and the model's own precision is {own}: give {(verifier.Precision == Precision.Int8 ? "int4" : "int8 or int4")}, or leave it out.");
        }

        ModelOptions copy = options.Copy();
        copy.Precision = precision;
        copy.HeadPrecision = null;
        return ModelFolder.Open(folder, copy);
    }

    private static WeightCopies OpenWeights(
        ModelFolder source, ModelFolder? draftSource, DecoderDescription description, Action<string> warn, IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken)
    {
        PreparedWeights verifier = source.OpenWeights(description, progress, cancellationToken, warn);
        try
        {
            PreparedWeights? drafter = draftSource?.OpenWeights(description, progress, cancellationToken, warn);
            WeightCopies copies = new(verifier, drafter);
            if (copies.FindError(ProcessLimits.Current.MemoryBytes) is { } error)
            {
                drafter!.Dispose();
                throw error;
            }

            return copies;
        }
        catch
        {
            verifier.Dispose();
            throw;
        }
    }

    private static void Check(RuntimeOptions runtime)
    {
        if (runtime.FindError() is { } error)
        {
            throw error;
        }

        ExecutionProvider.Check(runtime);
    }

    private static int MaxSequenceLength(RuntimeOptions runtime, DecoderDescription description)
    {
        int length = runtime.MaxSequenceLength ?? description.MaxPositions;
        return length >= 1 && length <= description.MaxPositions
            ? length
            : throw new OptionException(
                $"{OptionName.OfRuntime(nameof(runtime.MaxSequenceLength))} is {length}: this model allows 1 to {description.MaxPositions} (max_position_embeddings).");
    }
}
