using SpecDecode.Checkpoints;

namespace SpecDecode.Hosting;

/// <summary>Errors of loading in the words of whoever wrote the configuration: with the keys of the options.</summary>
internal static class LoadErrors
{
    /// <summary>The error with its options' keys in it; what names no option stays as it is.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="place">What stands before an option's own name.</param>
    public static Exception Named(Exception error, string place) => error switch
    {
        OptionException wrong => new SpecDecodeException(wrong.Describe(key => place + key), wrong),
        CheckpointException wrong => new SpecDecodeException($"{place}{OptionName.OfModel(nameof(HostedModelOptions.Path)).Key}: {wrong.Message}", wrong),
        _ => error,
    };
}
