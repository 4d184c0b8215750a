namespace SpecDecode.Tool;

/// <summary>What the command calls the library's options.</summary>
internal static class OptionNames
{
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["Model:CacheFolder"] = "--cache-folder",
        ["Model:Precision"] = "--precision",
        ["Model:HeadPrecision"] = "--head-precision",
        ["Model:DraftVocabulary"] = "--draft-vocabulary",
        ["Model:DraftHeadPrecision"] = "--draft-head-precision",
        ["Model:DraftPrecision"] = "--draft-precision",
        ["Model:BlockSize"] = "--block-size",
        ["Model:Activations"] = "--activations",
        ["Model:Kernels"] = "--kernels",
        ["Model:WeightMemory"] = "--weight-memory",
        ["Model:VerifyWeights"] = "--verify-weights",
        ["Drafting:Profile"] = "--draft-profile",
        ["Runtime:Threads"] = "--threads",
        ["Runtime:ExecutionProvider"] = "--execution-provider",
        ["Runtime:DeviceId"] = "--device-id",
        ["Runtime:DeviceAttention"] = "--device-attention",
        ["Runtime:DeviceMemoryMegabytes"] = "--device-memory",
        ["Runtime:CudaGraphs"] = "--cuda-graphs",
        ["Runtime:DeviceSegments"] = "--device-segments",
        ["Runtime:ComputePrecision"] = "--compute-precision",
        ["Runtime:KvPrecision"] = "--kv-precision",
    };

    /// <summary>The option's name on the command line; of one that it does not have, the property's.</summary>
    /// <param name="key">What a configuration calls it.</param>
    public static string Of(string key) => Names.GetValueOrDefault(key) ?? key[(key.LastIndexOf(':') + 1)..];
}
