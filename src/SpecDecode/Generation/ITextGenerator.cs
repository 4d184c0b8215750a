using SpecDecode.ChatTemplates;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>Continues texts with a model that drafts for itself.</summary>
/// <remarks>
/// Thread-safe: any number of callers may use it at the same time; their texts advance in the same steps. A slow reader holds up
/// nobody: tokens are kept for it.
/// </remarks>
public interface ITextGenerator
{
    /// <summary>The model.</summary>
    /// <exception cref="ModelNotReadyException">It has not been loaded yet.</exception>
    ModelInfo Model { get; }

    /// <summary>Its tokenizer; null where there is none that can be used.</summary>
    /// <exception cref="ModelNotReadyException">It has not been loaded yet.</exception>
    TextTokenizer? Tokenizer { get; }

    /// <summary>
    /// What makes prompts of <see cref="GenerationRequest.Messages"/>; null where the model has no tokenizer or no chat template that can
    /// be used, which a request with messages then says.
    /// </summary>
    /// <exception cref="ModelNotReadyException">It has not been loaded yet.</exception>
    ChatTokenizer? ChatTokenizer { get; }

    /// <summary>What holds where a request does not say; changes when the configuration is reloaded.</summary>
    /// <exception cref="ModelNotReadyException">The model has not been loaded yet.</exception>
    GenerationDefaults Defaults { get; }

    /// <summary>
    /// Continues a text and gives out each token as it is known, with the text that it completes; the last update has the result.
    /// </summary>
    /// <param name="request">The prompt and what else is wanted.</param>
    /// <param name="cancellationToken">Ends the text; so does leaving the enumeration.</param>
    /// <exception cref="ArgumentException">The request contradicts itself, or one of its numbers is out of range; thrown at the call.</exception>
    /// <exception cref="ModelNotReadyException">The model has not been loaded yet; thrown at the call.</exception>
    /// <exception cref="QueueFullException">Too many requests wait already.</exception>
    /// <exception cref="ShuttingDownException">The service stops and takes no more requests.</exception>
    /// <exception cref="SpecDecodeException">
    /// The model cannot serve the request, which is thrown at the call, or it failed in the middle of the text.
    /// </exception>
    /// <exception cref="OperationCanceledException">The text was cancelled.</exception>
    IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Continues a text to its end.</summary>
    /// <param name="request">The prompt and what else is wanted.</param>
    /// <param name="cancellationToken">Ends the text.</param>
    /// <returns>The result; one with <see cref="FinishReason.Shutdown"/> is not whole.</returns>
    /// <inheritdoc cref="GenerateAsync" path="/exception"/>
    Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Ends when the model answers; at once where it does already.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="SpecDecodeException">It could not be loaded, or its engine has failed.</exception>
    /// <exception cref="ShuttingDownException">The host stops.</exception>
    Task WhenReadyAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
}
