using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Hosting;

namespace SpecDecode.AspNetCore;

/// <summary>The models of a host as endpoints that clients of OpenAI's interface know.</summary>
public static class SpecDecodeEndpoints
{
    /// <summary>The section that is read where none is named.</summary>
    public const string DefaultSection = "SpecDecodeEndpoints";

    private const string DefaultPrefix = "/v1";

    /// <summary>Adds what <see cref="MapSpecDecode"/> needs, with options of a section of the configuration, which are read again when it changes.</summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="section">The section's name; by default <c>SpecDecodeEndpoints</c>. It need not be there.</param>
    /// <returns>The builder.</returns>
    public static IHostApplicationBuilder AddSpecDecodeEndpoints(this IHostApplicationBuilder builder, string section = DefaultSection)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(section);
        Add(builder.Services, section + ":").Bind(builder.Configuration.GetSection(section), binder => binder.ErrorOnUnknownConfiguration = true);
        return builder;
    }

    /// <summary>Adds what <see cref="MapSpecDecode"/> needs.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options; null leaves them as they are.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddSpecDecodeEndpoints(this IServiceCollection services, Action<SpecDecodeEndpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<SpecDecodeEndpointOptions> options = Add(services, "");
        if (configure is not null)
        {
            options.Configure(configure);
        }

        return services;
    }

    /// <summary>
    /// Maps <c>models</c>, <c>chat/completions</c>, <c>completions</c> and <c>responses</c> below a prefix. Every error is an object as OpenAI's interface has it; a client that leaves ends its
    /// texts within a step.
    /// </summary>
    /// <param name="endpoints">Where they are mapped.</param>
    /// <param name="prefix">The prefix; by default <c>/v1</c>.</param>
    /// <returns>The group, for conventions such as <c>RequireRateLimiting</c>.</returns>
    /// <exception cref="InvalidOperationException">The services lack <c>AddSpecDecodeEndpoints</c>.</exception>
    public static RouteGroupBuilder MapSpecDecode(this IEndpointRouteBuilder endpoints, string prefix = DefaultPrefix)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        IServiceProvider services = endpoints.ServiceProvider;
        Guard guard = services.GetService<Guard>() ?? throw Missing();
        ModelDirectory models = services.GetRequiredService<ModelDirectory>();
        TimeProvider time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        RouteGroupBuilder group = endpoints.MapGroup(prefix).WithTags("SpecDecode");
        ChatEndpoint chat = new(guard, models, time);
        CompletionEndpoint completion = new(guard, models, time);
        ResponseEndpoint response = new(guard, models, time);
        group.MapGet("/models", guard.Protect(context => context.Response.WriteAsJsonAsync(models.List, ApiJson.Default.ModelList, cancellationToken: context.RequestAborted)))
            .Describe(Name("ListModels"), "Lists the models.", typeof(ModelList));
        group.MapGet("/models/{**id}", guard.Protect(context => context.Response.WriteAsJsonAsync(
                models.Get((string?)context.GetRouteValue("id") ?? ""), ApiJson.Default.ModelCard, cancellationToken: context.RequestAborted)))
            .Describe(Name("GetModel"), "Says what a model is.", typeof(ModelCard), errors: [StatusCodes.Status404NotFound]);
        group.MapPost("/chat/completions", guard.Protect(chat.HandleAsync))
            .Describe(Name("CreateChatCompletion"), "Answers a conversation, at once or as server-sent events.", typeof(ChatCompletion), typeof(ChatCompletionBody), AllErrors);
        group.MapPost("/completions", guard.Protect(completion.HandleAsync))
            .Describe(Name("CreateCompletion"), "Continues a text, at once or as server-sent events.", typeof(Completion), typeof(CompletionBody), AllErrors);
        group.MapPost("/responses", guard.Protect(response.HandleAsync))
            .Describe(Name("CreateResponse"), "Answers a conversation with items, at once or as server-sent events.", typeof(ResponseObject), typeof(ResponseBody), AllErrors);
        return group;

        // Of endpoints that are mapped twice each name would be there twice.
        string Name(string operation) => prefix == DefaultPrefix ? operation : $"{operation} {prefix}";
    }

    /// <summary>
    /// Maps <c>live</c> and <c>ready</c> below a prefix, the checks of <see cref="SpecDecodeRegistration.AddSpecDecode(IHealthChecksBuilder, string?)"/>: live answers 503 when
    /// the process should be restarted, ready while not all models answer. Both answer 200 with <c>Degraded</c> while a queue is full or drafting is suspended.
    /// </summary>
    /// <param name="endpoints">Where they are mapped.</param>
    /// <param name="prefix">The prefix; by default <c>/health</c>.</param>
    /// <returns>The group.</returns>
    /// <exception cref="InvalidOperationException">The services lack <c>AddSpecDecodeEndpoints</c>.</exception>
    public static RouteGroupBuilder MapSpecDecodeHealth(this IEndpointRouteBuilder endpoints, string prefix = "/health")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        if (endpoints.ServiceProvider.GetService<Guard>() is null)
        {
            throw Missing();
        }

        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        group.MapHealthChecks("/live", new HealthCheckOptions { Predicate = check => check.Tags.Contains(SpecDecodeRegistration.LiveTag) });
        group.MapHealthChecks("/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(SpecDecodeRegistration.ReadyTag) });
        return group;
    }

    /// <summary>
    /// Puts endpoints of the application's own behind the keys of <see cref="SpecDecodeEndpointOptions.ApiKeys"/>: a request without one is answered as the endpoints of
    /// <see cref="MapSpecDecode"/> answer it, with 401, or with 403 where there are no keys and it comes from another machine, and the endpoint is not run.
    /// </summary>
    /// <typeparam name="TBuilder">What mapping endpoints returned.</typeparam>
    /// <param name="endpoints">The endpoint, or a group of them.</param>
    /// <returns>The same.</returns>
    /// <exception cref="InvalidOperationException">The services lack <c>AddSpecDecodeEndpoints</c>; thrown when the endpoints are built, with the first request at the latest.</exception>
    public static TBuilder RequireSpecDecodeKey<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(endpoints);

        // Outermost: whatever else is put around the endpoint runs for those alone who may ask.
        endpoints.Finally(endpoint =>
        {
            if (endpoint.RequestDelegate is { } handle)
            {
                endpoint.RequestDelegate = (endpoint.ApplicationServices.GetService<Guard>() ?? throw Missing()).Admit(handle);
            }
        });
        return endpoints;
    }

    private static int[] AllErrors =>
    [
        StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status404NotFound, StatusCodes.Status413PayloadTooLarge,
        StatusCodes.Status415UnsupportedMediaType, StatusCodes.Status429TooManyRequests, StatusCodes.Status503ServiceUnavailable,
    ];

    private static OptionsBuilder<SpecDecodeEndpointOptions> Add(IServiceCollection services, string place)
    {
        services.TryAddSingleton<Guard>();
        services.TryAddSingleton(provider => new ModelDirectory(provider, provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ListenGuard>());
        services.AddHealthChecks();

        // Behind whatever the application adds: two checks of a name are an error.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<HealthCheckServiceOptions>, HealthChecks>());
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
        services.AddSingleton<IValidateOptions<SpecDecodeEndpointOptions>>(new EndpointRules(place));
        return services.AddOptionsWithValidateOnStart<SpecDecodeEndpointOptions>();
    }

    // For documents: an endpoint is described by the method behind it, which takes and gives nothing else.
    private static void Describe(this IEndpointConventionBuilder endpoint, string name, string summary, Type answer, Type? body = null, int[]? errors = null)
    {
        endpoint.WithName(name).WithSummary(summary).WithMetadata(
            ((Func<HttpContext, Task>)Shape).Method, new ProducesResponseTypeMetadata(StatusCodes.Status200OK, answer, ["application/json"]));
        if (body is not null)
        {
            endpoint.WithMetadata(new AcceptsMetadata(["application/json"], body));
        }

        foreach (int status in errors ?? [])
        {
            endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ErrorBody), ["application/json"]));
        }
    }

    private static Task Shape(HttpContext context) => Task.CompletedTask;

    private static InvalidOperationException Missing() => new("The services lack the endpoints of SpecDecode: call builder.AddSpecDecodeEndpoints() before the application is built.");
}
