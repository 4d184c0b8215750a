using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using SpecDecode.AspNetCore;
using SpecDecode.Hosting;

namespace ChatServer;

/// <summary>GET /status: the models, whether they answer, how they draft, and what their policies expect; behind the keys of the endpoints where there are any.</summary>
internal static class StatusEndpoint
{
    /// <summary>Answers.</summary>
    public static IResult Handle(HttpContext context, IModelCatalog catalog, DraftingWatch watch, IOptionsMonitor<SpecDecodeEndpointOptions> options)
    {
        if (!HasKey(context.Request.Headers.Authorization.ToString(), options.CurrentValue.ApiKeys))
        {
            return Results.Json(new { error = new { message = "The API key is missing or wrong.", code = "invalid_api_key" } }, statusCode: StatusCodes.Status401Unauthorized);
        }

        IReadOnlyDictionary<string, DraftingFigures> figures = watch.Read();
        return Results.Json(new
        {
            models = catalog.Models.Select(model => new
            {
                name = model.Key,
                ready = model.State == ModelState.Ready,
                precision = model.Model?.Precision.ToString(),
                strategy = model.State == ModelState.Ready ? catalog.GetGenerator(model.Key).Defaults.Drafting.Strategy : null,
                figures = figures.GetValueOrDefault(model.Name ?? model.Key),
            }),
        });
    }

    // Every key is compared to its end, as is one of another length.
    private static bool HasKey(string header, IList<string> keys)
    {
        if (keys.Count == 0)
        {
            return true;
        }

        byte[] given = SHA256.HashData(Encoding.UTF8.GetBytes(header));
        bool isAny = false;
        foreach (string key in keys)
        {
            isAny |= CryptographicOperations.FixedTimeEquals(given, SHA256.HashData(Encoding.UTF8.GetBytes("Bearer " + key)));
        }

        return isAny;
    }
}
