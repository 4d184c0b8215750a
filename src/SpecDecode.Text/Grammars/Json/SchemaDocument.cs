using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Grammars.Json;

/// <summary>A schema within its document.</summary>
/// <param name="Value">The schema: an object, or true or false.</param>
/// <param name="Pointer">Where it stands, as a JSON pointer.</param>
internal sealed record SchemaPlace(JsonElement Value, string Pointer)
{
    /// <summary>What stands in it under a name.</summary>
    public SchemaPlace Under(string name, JsonElement value) =>
        new(value, $"{Pointer}/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}");

    /// <summary>What stands in it at a place of a list.</summary>
    public SchemaPlace Under(int index, JsonElement value) => new(value, $"{Pointer}/{index}");

    /// <summary>The error of this place.</summary>
    /// <param name="what">What is wrong, as the rest of a sentence.</param>
    public GrammarException Error(string what) => new($"The JSON schema at '{CheckpointText.Shorten("#" + Pointer)}' {what}");
}

/// <summary>A JSON schema as it is written, and what its references point to.</summary>
internal sealed class SchemaDocument
{
    private const int MaxPlaces = 200_000;

    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 256, AllowDuplicateProperties = false };

    private readonly Dictionary<string, SchemaPlace> _anchors = new(StringComparer.Ordinal);
    private readonly string _id = "";

    private SchemaDocument(JsonElement root)
    {
        Root = new(root, "");
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("$id", out var id) && id.ValueKind == JsonValueKind.String)
            _id = id.GetString()!.TrimEnd('#');
        int places = 0;
        FindAnchors(Root, ref places);
    }

    /// <summary>The whole schema.</summary>
    public SchemaPlace Root { get; }

    /// <summary>Reads a schema.</summary>
    /// <exception cref="GrammarException">It is no JSON.</exception>
    public static SchemaDocument Read(string text)
    {
        try
        {
            return new(JsonDocument.Parse(text, Reading).RootElement);
        }
        catch (JsonException error)
        {
            throw new GrammarException($"The JSON schema is no JSON: {error.Message}", error);
        }
    }

    /// <summary>What a reference points to.</summary>
    /// <param name="reference">The reference.</param>
    /// <param name="place">Where it stands.</param>
    /// <exception cref="GrammarException">There is nothing, or it is elsewhere than in this document.</exception>
    public SchemaPlace Resolve(string reference, SchemaPlace place)
    {
        string target = _id.Length > 0 && reference.StartsWith(_id, StringComparison.Ordinal) ? reference[_id.Length..] : reference;
        if (target.Length > 0 && target[0] != '#')
            throw place.Error($"refers to '{CheckpointText.Shorten(reference)}' by '$ref', and only references within the schema ('#…') are followed; put that schema under '$defs'.");
        target = Uri.UnescapeDataString(target.TrimStart('#'));
        if (target.Length > 0 && target[0] != '/')
            return _anchors.TryGetValue(target, out var anchor) ? anchor : throw Missing();
        var found = Root;
        foreach (string part in target.Split('/').Skip(1))
        {
            string name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            var value = found.Value;
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member))
                found = found.Under(name, member);
            else if (value.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && index >= 0 && index < value.GetArrayLength())
                found = found.Under(index, value[index]);
            else
                throw Missing();
        }
        return found;

        GrammarException Missing() => place.Error($"refers to '{CheckpointText.Shorten(reference)}' by '$ref', and there is no such schema.");
    }

    private void FindAnchors(SchemaPlace place, ref int places)
    {
        if (++places > MaxPlaces)
            throw new GrammarException($"The JSON schema has more than {MaxPlaces} values; make it smaller.");
        if (place.Value.ValueKind == JsonValueKind.Object)
        {
            if (place.Value.TryGetProperty("$anchor", out var anchor) && anchor.ValueKind == JsonValueKind.String)
                _anchors.TryAdd(anchor.GetString()!, place);
            foreach (var member in place.Value.EnumerateObject())
                FindAnchors(place.Under(member.Name, member.Value), ref places);
        }
        else if (place.Value.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (var item in place.Value.EnumerateArray())
                FindAnchors(place.Under(index++, item), ref places);
        }
    }
}
