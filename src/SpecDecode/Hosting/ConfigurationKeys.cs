namespace SpecDecode.Hosting;

/// <summary>The keys of each section; a test compares them with the options' properties and with the JSON schema.</summary>
internal static class ConfigurationKeys
{
    public static readonly string[] Model = [nameof(HostedModelOptions.Path), nameof(ModelOptions.CacheFolder)];

    public static readonly string[] Drafting =
    [
        nameof(DraftingOptions.Strategy), nameof(DraftingOptions.ExitLayer), nameof(DraftingOptions.SkipAttention),
        nameof(DraftingOptions.SkipMlp), nameof(DraftingOptions.DraftLength), nameof(DraftingOptions.Threshold),
    ];

    public static readonly string[] Sampling =
    [
        nameof(SamplingDefaults.Temperature), nameof(SamplingDefaults.TopK), nameof(SamplingDefaults.TopP), nameof(SamplingDefaults.MinP),
        nameof(SamplingDefaults.MaxTokens),
    ];

    public static readonly string[] Runtime =
    [
        nameof(RuntimeOptions.ExecutionProvider), nameof(RuntimeOptions.DeviceId), nameof(RuntimeOptions.Threads), nameof(RuntimeOptions.Spinning),
        nameof(RuntimeOptions.MaxSequences), nameof(RuntimeOptions.MaxSequenceLength), nameof(RuntimeOptions.KvCacheMegabytes),
        nameof(HostedRuntimeOptions.MaxQueue), nameof(RuntimeOptions.PrefillChunk), nameof(RuntimeOptions.MaxRowsPerPass),
        nameof(HostedRuntimeOptions.LoadInBackground),
    ];
}
