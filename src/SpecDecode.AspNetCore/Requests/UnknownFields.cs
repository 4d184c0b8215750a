using System.Text.Json;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore.Requests;

/// <summary>Fields of a body that are not served: those that would change nothing are passed over, all others are refused by name.</summary>
internal static class UnknownFields
{
    private static readonly string[] OfNoEffect = ["user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"];

    /// <summary>Refuses fields of a body.</summary>
    /// <exception cref="ApiException">There is one that would change the answer.</exception>
    public static void Refuse(Dictionary<string, JsonElement>? others)
    {
        foreach ((string name, JsonElement value) in others ?? [])
        {
            if (value.ValueKind == JsonValueKind.Null || OfNoEffect.Contains(name) || IsAsItIsAnyway(name, value))
            {
                continue;
            }

            throw ApiException.Unsupported(Shorten(name), $"The field '{Shorten(name)}' is not served: leave it out.");
        }
    }

    /// <summary>Refuses fields inside another field.</summary>
    public static void Refuse(string field, Dictionary<string, JsonElement>? others)
    {
        if (others?.Keys.FirstOrDefault() is { } name)
        {
            throw ApiException.Unsupported($"{field}.{Shorten(name)}", $"The field '{field}.{Shorten(name)}' is not served: leave it out.");
        }
    }

    private static bool IsAsItIsAnyway(string name, JsonElement value) => name switch
    {
        "store" => value.ValueKind == JsonValueKind.False,
        "service_tier" => value.ValueKind == JsonValueKind.String && (value.ValueEquals("auto") || value.ValueEquals("default")),
        "modalities" => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1 && value[0].ValueKind == JsonValueKind.String && value[0].ValueEquals("text"),
        "suffix" => value.ValueKind == JsonValueKind.String && value.ValueEquals(""),
        _ => false,
    };

    private static string Shorten(string name) => name.Length <= 64 ? name : name[..64] + "…";
}
