using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Tests.Checkpoints;

namespace SpecDecode.Tests.Tool;

/// <summary>A copy of a fixture that a test may damage, with a cache folder beside it; removed afterwards.</summary>
internal sealed class FixtureCheckpoint : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FixtureCheckpoint(string fixture = "llama_base")
    {
        Directory.CreateDirectory(Folder);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Root(), "tests", "SpecDecode.Tests", "Fixtures", fixture)))
        {
            File.Copy(file, FileOf(Path.GetFileName(file)));
        }
    }

    public static string Tales { get; } = Path.Combine(Root(), "samples", "models", "tales-10m");

    /// <summary>The checkpoint folder.</summary>
    public string Folder => _folder.File("model");

    /// <summary>A folder for prepared weights, which does not exist yet.</summary>
    public string Cache => _folder.File("cache");

    public string Weights => FileOf("model.safetensors");

    public JsonElement Expected
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(FileOf("expected.json")));
            return document.RootElement.Clone();
        }
    }

    public string FileOf(string name) => Path.Combine(Folder, name);

    /// <summary>A path beside model and cache.</summary>
    public string Beside(string name) => _folder.File(name);

    public int[] ExpectedInts(string key) => [.. Expected.GetProperty(key).EnumerateArray().Select(number => number.GetInt32())];

    /// <summary>The tokens that the expected greedy text continues.</summary>
    public int[] GreedyPrompt() => ExpectedInts("tokens")[..Expected.GetProperty("greedy_prompt_length").GetInt32()];

    public FixtureCheckpoint Write(string name, string text)
    {
        File.WriteAllText(FileOf(name), text);
        return this;
    }

    /// <summary>Sets keys of config.json.</summary>
    public FixtureCheckpoint Config(params (string Key, JsonNode? Value)[] changes)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(FileOf("config.json")))!.AsObject();
        foreach ((string key, JsonNode? value) in changes)
        {
            config[key] = value;
        }

        return Write("config.json", config.ToJsonString());
    }

    /// <summary>Edits the header of the weights and leaves the data as it is.</summary>
    public FixtureCheckpoint Header(Action<JsonObject> edit)
    {
        (JsonObject header, byte[] data) = Parse(Weights);
        edit(header);
        File.WriteAllBytes(Weights, SafetensorsBuilder.Raw(JsonSerializer.SerializeToUtf8Bytes(header), data));
        return this;
    }

    /// <summary>Writes the weights anew: each tensor as <paramref name="change"/> gives it, null drops it.</summary>
    public FixtureCheckpoint Tensors(Func<StoredTensor, StoredTensor?> change, params StoredTensor[] added)
    {
        (JsonObject header, byte[] data) = Parse(Weights);
        SafetensorsBuilder builder = new();
        IEnumerable<StoredTensor> stored = header.Where(entry => entry.Key != "__metadata__").Select(entry => Stored(entry.Key, entry.Value!, data));
        foreach (StoredTensor tensor in stored.Select(change).OfType<StoredTensor>().Concat(added))
        {
            builder.Add(tensor.Name, tensor.Type, tensor.Shape, tensor.Bytes);
        }

        File.WriteAllBytes(Weights, builder.Build());
        return this;
    }

    public FixtureCheckpoint Drop(string name) => Tensors(tensor => tensor.Name == name ? null : tensor);

    public FixtureCheckpoint Replace(string name, Func<StoredTensor, StoredTensor> change) =>
        Tensors(tensor => tensor.Name == name ? change(tensor) : tensor);

    /// <summary>
    /// Adds a tokenizer with as many ids as the model has: 0 to 2 are special, each other one is a character. A text of
    /// ASCII therefore has one token for each character, and BOS before them.
    /// </summary>
    public FixtureCheckpoint AddTokenizer()
    {
        IEnumerable<int> characters = Enumerable.Range(0x20, 0x5F).Prepend('\n').Concat(Enumerable.Range(0x4E00, 600)).Take(512 - 3);
        JsonObject vocabulary = new() { ["<unk>"] = 0, ["<s>"] = 1, ["</s>"] = 2 };
        foreach (int character in characters)
        {
            vocabulary[((char)character).ToString()] = vocabulary.Count;
        }

        return Write("tokenizer.json", $$"""
            {
              "added_tokens": [
                { "id": 0, "content": "<unk>", "special": true, "normalized": false },
                { "id": 1, "content": "<s>", "special": true, "normalized": false },
                { "id": 2, "content": "</s>", "special": true, "normalized": false }
              ],
              "normalizer": null, "pre_tokenizer": null,
              "post_processor": { "type": "TemplateProcessing",
                "single": [ { "SpecialToken": { "id": "<s>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } } ],
                "special_tokens": { "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] } } },
              "decoder": { "type": "Fuse" },
              "model": { "type": "BPE", "unk_token": "<unk>", "vocab": {{vocabulary.ToJsonString()}}, "merges": [] }
            }
            """);
    }

    public void Dispose() => _folder.Dispose();

    private static StoredTensor Stored(string name, JsonNode entry, byte[] data)
    {
        long[] offsets = [.. entry["data_offsets"]!.AsArray().Select(offset => offset!.GetValue<long>())];
        return new StoredTensor(
            name, entry["dtype"]!.GetValue<string>(), [.. entry["shape"]!.AsArray().Select(size => size!.GetValue<long>())],
            data[(int)offsets[0]..(int)offsets[1]]);
    }

    private static (JsonObject Header, byte[] Data) Parse(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        return (JsonNode.Parse(file.AsSpan(8, length))!.AsObject(), file[(8 + length)..]);
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "samples", "models")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository: no folder above holds samples/models.");
    }

    /// <summary>A tensor as it stands in the file.</summary>
    internal sealed record StoredTensor(string Name, string Type, long[] Shape, byte[] Bytes);
}
