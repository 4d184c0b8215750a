using Microsoft.Extensions.DependencyInjection;
using SpecDecode.AspNetCore.Wire;
using SpecDecode.Generation;
using SpecDecode.Hosting;

namespace SpecDecode.AspNetCore;

/// <summary>A model that can be asked.</summary>
/// <param name="Id">What clients call it.</param>
/// <param name="Generator">What answers.</param>
internal sealed record ServedModelEntry(string Id, ITextGenerator Generator);

/// <summary>The models of the host by what clients call them: their name in telemetry, or their key.</summary>
internal sealed class ModelDirectory(IServiceProvider services, TimeProvider time)
{
    private readonly long _created = time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>All models, whether they answer now or not.</summary>
    public ModelList List => new() { Data = [.. Entries().Select(Card)] };

    /// <summary>A model as it is listed.</summary>
    /// <exception cref="ApiException">There is none of that name.</exception>
    public ModelCard Get(string id) => Card(Require(id));

    /// <summary>The model that a request asks; where there is one alone, a request need not name it.</summary>
    /// <exception cref="ApiException">There is none of that name, or several and none is named.</exception>
    public ServedModelEntry Require(string? id)
    {
        ServedModelEntry[] entries = [.. Entries()];
        if (string.IsNullOrEmpty(id))
        {
            return entries.Length == 1 ? entries[0] : throw ApiException.Invalid("model", $"'model' is missing: name one of {Names(entries)}.");
        }

        return entries.FirstOrDefault(entry => string.Equals(entry.Id, id, StringComparison.OrdinalIgnoreCase)) ?? ByKey(id)
            ?? throw new ApiException(
                StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", "model",
                $"There is no model '{(id.Length <= 100 ? id : id[..100] + "…")}': name one of {Names(entries)}.");
    }

    private ServedModelEntry? ByKey(string id) =>
        services.GetService<IModelCatalog>()?.TryGetGenerator(id, out ITextGenerator? generator) == true ? new ServedModelEntry(id, generator) : null;

    private IEnumerable<ServedModelEntry> Entries()
    {
        if (services.GetService<IModelCatalog>() is { } catalog)
        {
            foreach (ModelStatus status in catalog.Models)
            {
                if (catalog.TryGetGenerator(status.Key, out ITextGenerator? generator))
                {
                    yield return new ServedModelEntry(status.Name ?? (status.Key.Length > 0 ? status.Key : "model"), generator);
                }
            }
        }
        else if (services.GetService<ITextGenerator>() is { } generator)
        {
            yield return new ServedModelEntry(Info(generator)?.Name ?? "model", generator);
        }
    }

    private ModelCard Card(ServedModelEntry entry) => new() { Id = entry.Id, Created = _created, MaxModelLength = Info(entry.Generator)?.MaxSequenceLength };

    private static ModelInfo? Info(ITextGenerator generator)
    {
        try
        {
            return generator.Model;
        }
        catch (ModelNotReadyException)
        {
            return null;
        }
    }

    private static string Names(ServedModelEntry[] entries) => entries.Length == 0 ? "none, since there are none" : string.Join(", ", entries.Take(20).Select(entry => $"'{entry.Id}'"));
}
