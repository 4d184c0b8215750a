using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Tokenizers;

namespace SpecDecode.Hosting;

/// <summary>The generator that services are given: that of whatever a key has loaded.</summary>
internal sealed class HostedTextGenerator(ModelHost host) : ITextGenerator
{
    /// <inheritdoc/>
    public ModelInfo Model => host.Generator.Model;

    /// <inheritdoc/>
    public TextTokenizer? Tokenizer => host.Generator.Tokenizer;

    /// <inheritdoc/>
    public ChatTokenizer? ChatTokenizer => host.Generator.ChatTokenizer;

    /// <inheritdoc/>
    public GenerationDefaults Defaults => host.Generator.Defaults;

    /// <inheritdoc/>
    public Task WhenReadyAsync(CancellationToken cancellationToken = default) => host.WhenReadyAsync(cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default) =>
        new RoutedStream(host, request, cancellationToken);

    /// <inheritdoc/>
    public Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        // What is wrong with the request is thrown at the call.
        TextGenerator generator = host.Generator;
        return CompleteAsync(generator, generator.CompleteAsync(request, cancellationToken), request, cancellationToken);
    }

    private async Task<GenerationResult> CompleteAsync(
        TextGenerator generator, Task<GenerationResult> result, GenerationRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await result.ConfigureAwait(false);
            }
            catch (ShuttingDownException) when (host.Generator is var next && next != generator)
            {
                // Replaced between the look and the hand-over.
                generator = next;
                result = next.CompleteAsync(request, cancellationToken);
            }
        }
    }
}
