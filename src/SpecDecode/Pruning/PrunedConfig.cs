using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;

namespace SpecDecode.Pruning;

/// <summary>config.json of a model that has only some of its layers: what does not depend on layers stays as it is written.</summary>
internal static class PrunedConfig
{
    private const string CountKey = "num_hidden_layers";

    // The classes that it names are files which do not come along; transformers has classes of its own for all families.
    private const string CodeKey = "auto_map";

    // Lists with an entry for each layer.
    private static readonly string[] Lists = [WindowConfig.TypesKey, "no_rope_layers"];

    /// <summary>The file's bytes.</summary>
    /// <param name="config">config.json of the whole model.</param>
    /// <param name="model">The whole model.</param>
    /// <param name="layers">The layers that stay, in their order.</param>
    /// <exception cref="CheckpointException">The file's family is not known.</exception>
    public static byte[] Write(ConfigDocument config, DecoderDescription model, IReadOnlyList<int> layers)
    {
        Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
        foreach ((string key, JsonElement value) in CheckpointJson.Members(config.Path, CheckpointJson.ParseObject(config.Path, config.Utf8)))
        {
            values[key] = value;
        }

        Dictionary<string, JsonNode> changed = new(StringComparer.Ordinal) { [CountKey] = layers.Count };
        foreach (string key in Lists)
        {
            if (values.TryGetValue(key, out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() == model.Layers.Length)
            {
                changed[key] = new JsonArray([.. layers.Select(layer => JsonNode.Parse(list[layer].GetRawText()))]);
            }
        }

        foreach ((string key, JsonNode value) in ModelFamilies.Of(config).KeysByNumber(config, model, layers))
        {
            changed[key] = value;
        }

        return Encoding.UTF8.GetBytes(PythonNumbers.Restore(Text(values, changed)) + "\n");
    }

    private static string Text(Dictionary<string, JsonElement> values, Dictionary<string, JsonNode> changed)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach ((string key, JsonElement value) in values.Where(pair => pair.Key != CodeKey))
            {
                json.WritePropertyName(key);
                if (changed.Remove(key, out JsonNode? other))
                {
                    other.WriteTo(json);
                }
                else
                {
                    // As it is written, numbers too.
                    json.WriteRawValue(value.GetRawText());
                }
            }

            foreach ((string key, JsonNode value) in changed)
            {
                json.WritePropertyName(key);
                value.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
