using System.Collections.Frozen;
using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Hosting;

/// <summary>What kind of value an option has.</summary>
internal enum OptionKind
{
    Text,
    WholeNumber,
    Number,
    Flag,
    WholeNumbers,
    Precision,
    ActivationPrecision,
    KernelChoice,
    WeightMemory,
    KvPrecision,
    ComputePrecision,
    KvAdmission,
    AcceptanceRule,
    Seed,
}

/// <summary>The keys of each section and their kinds; a test compares them with the options' properties and with the JSON schema.</summary>
internal static class ConfigurationKeys
{
    /// <summary>The section with further models by name, each with the same sections.</summary>
    public const string Models = "Models";

    /// <summary>Those that stand beside the sections.</summary>
    public static FrozenDictionary<string, OptionKind> Own { get; } = Section(new() { [nameof(SpecDecodeOptions.MaxTokens)] = OptionKind.WholeNumber });

    /// <summary>Keys that are looked for in a place where they are not, some of them from an earlier version, and what they are called.</summary>
    public static FrozenDictionary<string, string> Elsewhere { get; } = new Dictionary<string, string> { ["Sampling:MaxTokens"] = "MaxTokens", ["Drafting:Precision"] = "Model:DraftPrecision", ["Drafting:DraftPrecision"] = "Model:DraftPrecision", ["Drafting:DraftVocabulary"] = "Model:DraftVocabulary", ["Drafting:DraftHeadPrecision"] = "Model:DraftHeadPrecision" }
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>By section, then by key; without regard to case, as configurations are read.</summary>
    public static FrozenDictionary<string, FrozenDictionary<string, OptionKind>> Sections { get; } = new Dictionary<string, FrozenDictionary<string, OptionKind>>
    {
        [nameof(SpecDecodeOptions.Model)] = Section(new()
        {
            [nameof(HostedModelOptions.Path)] = OptionKind.Text,
            [nameof(HostedModelOptions.Name)] = OptionKind.Text,
            [nameof(ModelOptions.CacheFolder)] = OptionKind.Text,
            [nameof(ModelOptions.Precision)] = OptionKind.Precision,
            [nameof(ModelOptions.HeadPrecision)] = OptionKind.Precision,
            [nameof(ModelOptions.DraftPrecision)] = OptionKind.Precision,
            [nameof(ModelOptions.DraftVocabulary)] = OptionKind.WholeNumber,
            [nameof(ModelOptions.DraftHeadPrecision)] = OptionKind.Precision,
            [nameof(ModelOptions.BlockSize)] = OptionKind.WholeNumber,
            [nameof(ModelOptions.Activations)] = OptionKind.ActivationPrecision,
            [nameof(ModelOptions.Kernels)] = OptionKind.KernelChoice,
            [nameof(ModelOptions.WeightMemory)] = OptionKind.WeightMemory,
            [nameof(ModelOptions.ChatTemplate)] = OptionKind.Text,
            [nameof(ModelOptions.VerifyWeights)] = OptionKind.Flag,
        }),
        [nameof(SpecDecodeOptions.Drafting)] = Section(new()
        {
            [nameof(DraftingOptions.Strategy)] = OptionKind.Text,
            [nameof(DraftingOptions.ExitLayer)] = OptionKind.WholeNumber,
            [nameof(DraftingOptions.SkipAttention)] = OptionKind.WholeNumbers,
            [nameof(DraftingOptions.SkipMlp)] = OptionKind.WholeNumbers,
            [nameof(DraftingOptions.DraftLength)] = OptionKind.WholeNumber,
            [nameof(DraftingOptions.Threshold)] = OptionKind.Number,
            [nameof(DraftingOptions.CascadeExits)] = OptionKind.WholeNumbers,
            [nameof(DraftingOptions.CascadeLength)] = OptionKind.WholeNumber,
            [nameof(DraftingOptions.CascadeThreshold)] = OptionKind.Number,
            [nameof(DraftingOptions.Policy)] = OptionKind.Text,
            [nameof(DraftingOptions.Profile)] = OptionKind.Text,
        }),
        [nameof(SpecDecodeOptions.Sampling)] = Section(new()
        {
            [nameof(SamplingOptions.Temperature)] = OptionKind.Number,
            [nameof(SamplingOptions.TopK)] = OptionKind.WholeNumber,
            [nameof(SamplingOptions.TopP)] = OptionKind.Number,
            [nameof(SamplingOptions.MinP)] = OptionKind.Number,
            [nameof(SamplingOptions.TopNSigma)] = OptionKind.Number,
            [nameof(SamplingOptions.RepetitionPenalty)] = OptionKind.Number,
            [nameof(SamplingOptions.FrequencyPenalty)] = OptionKind.Number,
            [nameof(SamplingOptions.PresencePenalty)] = OptionKind.Number,
            [nameof(SamplingOptions.PenaltyWindow)] = OptionKind.WholeNumber,
            [nameof(SamplingOptions.Seed)] = OptionKind.Seed,
            [nameof(SamplingOptions.Acceptance)] = OptionKind.AcceptanceRule,
        }),
        [nameof(SpecDecodeOptions.Runtime)] = Section(new()
        {
            [nameof(RuntimeOptions.ExecutionProvider)] = OptionKind.Text,
            [nameof(RuntimeOptions.DeviceId)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.Tf32)] = OptionKind.Flag,
            [nameof(RuntimeOptions.DeviceAttention)] = OptionKind.Flag,
            [nameof(RuntimeOptions.DeviceMemoryMegabytes)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.CudaGraphs)] = OptionKind.Flag,
            [nameof(RuntimeOptions.DeviceSegments)] = OptionKind.Flag,
            [nameof(RuntimeOptions.Threads)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.Spinning)] = OptionKind.Flag,
            [nameof(RuntimeOptions.AllowRuntimeTelemetry)] = OptionKind.Flag,
            [nameof(RuntimeOptions.MaxSequences)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.MaxSequenceLength)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.KvCacheMegabytes)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.KvPrecision)] = OptionKind.KvPrecision,
            [nameof(RuntimeOptions.ComputePrecision)] = OptionKind.ComputePrecision,
            [nameof(RuntimeOptions.Admission)] = OptionKind.KvAdmission,
            [nameof(RuntimeOptions.PrefixCache)] = OptionKind.Number,
            [nameof(HostedRuntimeOptions.MaxQueue)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.PrefillChunk)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.MaxRowsPerPass)] = OptionKind.WholeNumber,
            [nameof(RuntimeOptions.SearchShare)] = OptionKind.Number,
            [nameof(HostedRuntimeOptions.LoadInBackground)] = OptionKind.Flag,
        }),
        [nameof(SpecDecodeOptions.Telemetry)] = Section(new()
        {
            [nameof(HostedTelemetryOptions.RoundEvents)] = OptionKind.Flag,
            [nameof(HostedTelemetryOptions.MessageContent)] = OptionKind.Flag,
        }),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static FrozenDictionary<string, OptionKind> Section(Dictionary<string, OptionKind> keys) => keys.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
}
