using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using SpecDecode.Generation;

namespace SpecDecode.Extensions.AI;

/// <summary>A model of SpecDecode as a chat client.</summary>
/// <remarks>
/// Thread-safe: any number of callers may use it at the same time; their texts advance in the same steps. It keeps no conversation: each call brings all messages, which the
/// model's chat template makes a prompt of. What is wrong with a call is thrown when it is made, or at the first read of a stream: <see cref="NotSupportedException"/> for what this model or
/// client cannot do, <see cref="ArgumentException"/> for what contradicts itself, and the exceptions of <see cref="ITextGenerator.GenerateAsync"/>.
/// </remarks>
public sealed class SpecDecodeChatClient : IChatClient
{
    /// <summary>What <see cref="ChatClientMetadata.ProviderName"/> says.</summary>
    public const string ProviderName = "specdecode";

    private readonly ITextGenerator _generator;

    /// <summary>Makes a client.</summary>
    /// <param name="generator">The model, which stays the caller's.</param>
    public SpecDecodeChatClient(ITextGenerator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        _generator = generator;
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatCall call = ChatCall.Of(messages, options, _generator, this);
        ReplyWriter reply = new(call);
        await foreach (GenerationUpdate update in call.StartAsync(_generator, cancellationToken).ConfigureAwait(false))
        {
            reply.Add(update);
        }

        return reply.Response;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatCall call = ChatCall.Of(messages, options, _generator, this);
        ReplyWriter reply = new(call);
        await foreach (GenerationUpdate update in call.StartAsync(_generator, cancellationToken).ConfigureAwait(false))
        {
            IList<AIContent> contents = reply.Add(update);
            if (contents.Count > 0 || update.Result is not null)
            {
                yield return reply.Update(update, contents);
            }
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(ProviderName, null, ModelName(_generator))
            : serviceType == typeof(ITextGenerator) ? _generator
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Does nothing: the model belongs to its host.</summary>
    public void Dispose()
    {
    }

    /// <summary>What the model is called; null while it is not loaded.</summary>
    internal static string? ModelName(ITextGenerator generator)
    {
        try
        {
            return generator.Model.Name;
        }
        catch (ModelNotReadyException)
        {
            return null;
        }
    }
}
