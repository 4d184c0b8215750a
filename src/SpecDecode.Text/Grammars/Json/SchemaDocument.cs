using System.Globalization;
using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Grammars.Json;

/// <summary>A schema, or another value, within its document. There is one of these for each place.</summary>
internal sealed class SchemaPlace
{
    private readonly SchemaPlace? _parent;
    private readonly string _name;
    private readonly int[] _count;
    private Dictionary<string, SchemaPlace>? _children;

    private SchemaPlace(JsonElement value, SchemaPlace? parent, string name, int[] count)
    {
        (Value, _parent, _name, _count) = (value, parent, name, count);
        Number = count[0]++;
    }

    /// <summary>The value.</summary>
    public JsonElement Value { get; }

    /// <summary>A number that no other place of the document has.</summary>
    public int Number { get; }

    /// <summary>Where it stands, as a JSON pointer.</summary>
    public string Pointer
    {
        get
        {
            var names = new Stack<string>();
            for (var place = this; place._parent is not null; place = place._parent)
                names.Push(place._name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
            return string.Concat(names.Select(name => "/" + name));
        }
    }

    /// <summary>The place of a whole document.</summary>
    public static SchemaPlace Root(JsonElement value) => new(value, null, "", [0]);

    /// <summary>What stands in it under a name.</summary>
    public SchemaPlace Under(string name, JsonElement value)
    {
        _children ??= new(StringComparer.Ordinal);
        if (!_children.TryGetValue(name, out var child))
            _children.Add(name, child = new(value, this, name, _count));
        return child;
    }

    /// <summary>What stands in it at a place of a list.</summary>
    public SchemaPlace Under(int index, JsonElement value) => Under(index.ToString(CultureInfo.InvariantCulture), value);

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
        Root = SchemaPlace.Root(root);
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
            throw new GrammarException($"The JSON schema is no JSON{Place(error)}: {CheckpointText.Shorten(Said(error))}", error);
        }
    }

    // Counted from one, as editors do.
    private static string Place(JsonException error) => error is { LineNumber: { } line, BytePositionInLine: { } place }
        ? string.Create(CultureInfo.InvariantCulture, $" at line {line + 1}, byte {place + 1}")
        : "";

    // The reader's sentence may have a text of the schema in it, of any length, and says the place by itself at its end.
    private static string Said(JsonException error) => error.Message.Split(" LineNumber: ")[0].Split(" Path: ")[0];

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
            else if (value.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < value.GetArrayLength())
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
