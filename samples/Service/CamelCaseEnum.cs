using System.Text.Json;
using System.Text.Json.Serialization;

namespace Service;

/// <summary>Writes the names of an enumeration as JSON has them: acceptedDraft.</summary>
internal sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase)
    where T : struct, Enum;
