using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Generation;

namespace SpecDecode.Extensions.AI;

/// <summary>Puts chat clients of models into a host.</summary>
public static class SpecDecodeChatClientRegistration
{
    /// <summary>Adds an <see cref="IChatClient"/> of a model that <c>AddSpecDecode</c> has added, or of any <see cref="ITextGenerator"/> of the services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="model">The model's key; null for the one without.</param>
    /// <returns>A builder for what stands before the client, such as <c>UseFunctionInvocation</c>.</returns>
    public static ChatClientBuilder AddSpecDecodeChatClient(this IServiceCollection services, string? model = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddChatClient(provider => Client(provider, model));
    }

    /// <summary>Adds a keyed <see cref="IChatClient"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key of the client.</param>
    /// <param name="model">The model's key; null for the one without.</param>
    /// <returns>A builder for what stands before the client.</returns>
    public static ChatClientBuilder AddKeyedSpecDecodeChatClient(this IServiceCollection services, object serviceKey, string? model = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(serviceKey);
        return services.AddKeyedChatClient(serviceKey, provider => Client(provider, model));
    }

    private static SpecDecodeChatClient Client(IServiceProvider provider, string? model) => new(
        model is null ? provider.GetRequiredService<ITextGenerator>() : provider.GetRequiredKeyedService<ITextGenerator>(model));
}
