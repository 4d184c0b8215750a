using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tests;

/// <summary>Models that draft only where a request asks for it, so that a request which does not is plain decoding, which drafted texts are compared with.</summary>
internal static class PlainModel
{
    /// <inheritdoc cref="TextModel.Load"/>
    public static TextModel Load(
        string folder, ModelOptions? options = null, RuntimeOptions? runtime = null,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        TextModel model = TextModel.Load(folder, options, runtime, progress, cancellationToken);
        model.Defaults = model.Defaults with { Drafting = DraftingOptions.None };
        return model;
    }
}
