using System.Diagnostics.CodeAnalysis;
using SpecDecode.Generation;

namespace SpecDecode.Hosting;

/// <summary>The models of a host: those that it starts with, and those that come and go while others serve.</summary>
/// <remarks>
/// Thread-safe. What is done to one model waits for what is being done to it, and for nothing that is done to others. A generator
/// belongs to its key, not to what is loaded: it stays the same when the model is replaced, or unloaded and loaded again.
/// </remarks>
public interface IModelCatalog
{
    /// <summary>Every model and how it is, those without a name first, then by key.</summary>
    IReadOnlyList<ModelStatus> Models { get; }

    /// <summary>The generator of a model, whether it is loaded or not. For keys that come with a request.</summary>
    /// <param name="key">Its key, in any case; empty for the model without one.</param>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    ITextGenerator GetGenerator(string key);

    /// <summary>The generator of a model, whether it is loaded or not.</summary>
    /// <param name="key">Its key, in any case; empty for the model without one.</param>
    /// <param name="generator">The generator; null when there is no such model.</param>
    /// <returns>Whether there is such a model.</returns>
    bool TryGetGenerator(string key, [NotNullWhen(true)] out ITextGenerator? generator);

    /// <summary>Loads a model, and ends when it answers.</summary>
    /// <param name="key">Its key: of one that has been unloaded or has failed, of one that the section <c>Models</c> has now, or, with options, a new one.</param>
    /// <param name="configure">Sets its options, on top of what the configuration says; null takes those as before.</param>
    /// <param name="cancellationToken">Ends the loading; nothing of it stays.</param>
    /// <exception cref="InvalidOperationException">It is loaded already, or the host has not started.</exception>
    /// <exception cref="ModelNotFoundException">There are no options for it.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">Its options are wrong.</exception>
    /// <exception cref="SpecDecodeException">It cannot be loaded; its state tells the reason, too.</exception>
    /// <exception cref="ShuttingDownException">The host stops.</exception>
    /// <exception cref="OperationCanceledException">The loading was cancelled.</exception>
    Task LoadAsync(string key, Action<SpecDecodeOptions>? configure = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Loads a model beside the one that serves under its key, lets it take over, and ends when the former has answered its last
    /// request and given its memory back. No request is refused for it. Until then the memory of both is needed. Where nothing is
    /// loaded this is <see cref="LoadAsync"/>.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="configure">Sets the options, on top of what the configuration says; null takes those, as before or as they are now.</param>
    /// <param name="cancellationToken">
    /// Ends the loading, and the former serves on; after the change, ends the former's texts where they are, with <see cref="FinishReason.Shutdown"/>.
    /// </param>
    /// <inheritdoc cref="LoadAsync" path="/exception"/>
    Task ReplaceAsync(string key, Action<SpecDecodeOptions>? configure = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Unloads a model: it takes no more requests, and ends when those that it has have ended and its memory is given back. A loading
    /// that runs ends at once.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="cancellationToken">Ends its texts where they are, with <see cref="FinishReason.Shutdown"/>.</param>
    /// <exception cref="InvalidOperationException">It is not loaded.</exception>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    Task UnloadAsync(string key, CancellationToken cancellationToken = default);
}
