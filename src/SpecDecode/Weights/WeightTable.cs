using System.Collections.Immutable;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>The JSON of a prepared-weights file's table.</summary>
internal static class WeightTable
{
    private const string Panels = "panels";

    /// <summary>Writes the table as an object.</summary>
    public static void Write(Utf8JsonWriter json, PreparedWeightsFormat.Table table)
    {
        WeightSettings settings = table.Origin.Settings;
        json.WriteStartObject();
        json.WriteNumber("version", table.Version);
        json.WriteString("key", table.Key);
        json.WriteString("checkpoint", table.Origin.Fingerprint.ToString());
        json.WriteString("precision", settings.Precision.Name());
        json.WriteString("head_precision", settings.Head.Name());
        json.WriteNumber("block_size", settings.BlockSize);
        json.WriteNumber("data_length", table.DataLength);
        json.WriteStartArray("chunk_hashes");
        foreach (ulong hash in table.ChunkHashes)
        {
            json.WriteNumberValue(hash);
        }

        json.WriteEndArray();
        json.WriteStartArray("tensors");
        foreach (PreparedTensor tensor in table.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            WriteShape(json, tensor.Shape);
            json.WriteString("precision", tensor.Format.Precision.Name());
            if (tensor.Format.Layout == TensorLayout.Panels)
            {
                json.WriteString("layout", Panels);
            }

            json.WriteNumber("offset", tensor.Offset);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("sources");
        foreach (SourceTensor source in table.Origin.Sources)
        {
            json.WriteStartObject();
            json.WriteString("name", source.Name);
            json.WriteString("dtype", source.DType);
            WriteShape(json, source.Shape);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Reads what the table of every version says; null when it is none.</summary>
    /// <param name="utf8">The JSON.</param>
    public static PreparedWeightsFormat.Heading? ParseHeading(byte[] utf8)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(utf8);
            string? TextOf(string key) =>
                json.RootElement.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            return new PreparedWeightsFormat.Heading(json.RootElement.GetProperty("version").GetInt32(), TextOf("checkpoint"), TextOf("precision"));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads the table; null when it says something impossible. Its hash has been compared before, which finds damage; but the
    /// file may have come from elsewhere.
    /// </summary>
    /// <param name="utf8">The JSON.</param>
    /// <param name="dataLength">Bytes of the file before it.</param>
    public static PreparedWeightsFormat.Table? Parse(byte[] utf8, long dataLength)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(utf8);
            JsonElement root = json.RootElement;
            int version = root.GetProperty("version").GetInt32();
            if (PreparedWeightsFormat.LayoutOf(version) is not { } layout || root.GetProperty("data_length").GetInt64() != dataLength)
            {
                return null;
            }

            int blockSize = root.GetProperty("block_size").GetInt32();
            ImmutableArray<PreparedTensor> tensors = [.. root.GetProperty("tensors").EnumerateArray().Select(tensor => Tensor(tensor, blockSize))];
            return tensors.Any(tensor => !LiesWithin(tensor, dataLength)) ? null : new PreparedWeightsFormat.Table(
                version,
                Text(root, "key"),
                new WeightOrigin(
                    ContentHash.Parse(Text(root, "checkpoint")) ?? throw new FormatException(),
                    new WeightSettings(PrecisionOf(root, "precision"), PrecisionOf(root, "head_precision"), blockSize, layout),
                    [
                        .. root.GetProperty("sources").EnumerateArray()
                            .Select(source => new SourceTensor(Text(source, "name"), Text(source, "dtype"), Shape(source))),
                    ]),
                dataLength,
                [.. root.GetProperty("chunk_hashes").EnumerateArray().Select(hash => hash.GetUInt64())],
                tensors);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private static PreparedTensor Tensor(JsonElement tensor, int blockSize)
    {
        Precision precision = PrecisionOf(tensor, "precision");
        if (precision == Precision.Stored)
        {
            throw new FormatException();
        }

        TensorLayout layout = tensor.TryGetProperty("layout", out JsonElement named) && named.ValueEquals(Panels) ? TensorLayout.Panels : TensorLayout.Rows;
        return new PreparedTensor(
            Text(tensor, "name"), Shape(tensor), new TensorFormat(precision, precision.IsQuantized() ? blockSize : 0, layout),
            tensor.GetProperty("offset").GetInt64());
    }

    private static bool LiesWithin(PreparedTensor tensor, long dataLength) =>
        tensor.Shape.Length is 1 or 2 && tensor.Shape.All(dimension => dimension > 0)
        && (!tensor.Format.IsQuantized || TensorFormat.BlockSizes.Contains(tensor.Format.BlockSize))
        && (tensor.Format.Layout == TensorLayout.Rows || tensor.Shape.Length == 2)
        && tensor.Offset >= 0 && tensor.Offset % TensorFormat.Alignment == 0
        && tensor.Offset <= dataLength && tensor.Format.FileBytes(tensor.Shape) <= dataLength - tensor.Offset;

    private static string Text(JsonElement element, string key) => element.GetProperty(key).GetString() ?? throw new FormatException();

    private static Precision PrecisionOf(JsonElement element, string key) => Precisions.Parse(Text(element, key)) ?? throw new FormatException();

    private static ImmutableArray<long> Shape(JsonElement element) =>
        [.. element.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64())];

    private static void WriteShape(Utf8JsonWriter json, ImmutableArray<long> shape)
    {
        json.WriteStartArray("shape");
        foreach (long dimension in shape)
        {
            json.WriteNumberValue(dimension);
        }

        json.WriteEndArray();
    }
}
