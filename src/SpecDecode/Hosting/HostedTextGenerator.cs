using SpecDecode.Generation;
using SpecDecode.Tokenizers;

namespace SpecDecode.Hosting;

/// <summary>The generator that services are given: that of the model host, once there is one.</summary>
internal sealed class HostedTextGenerator(ModelHost host) : ITextGenerator
{
    /// <inheritdoc/>
    public ModelInfo Model => host.Generator.Model;

    /// <inheritdoc/>
    public TextTokenizer? Tokenizer => host.Generator.Tokenizer;

    /// <inheritdoc/>
    public GenerationDefaults Defaults => host.Generator.Defaults;

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default) =>
        host.Generator.GenerateAsync(request, cancellationToken);

    /// <inheritdoc/>
    public Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default) =>
        host.Generator.CompleteAsync(request, cancellationToken);
}
