using System.IO.Hashing;
using System.Text.Json.Nodes;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Models;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>A prepared folder whose table is whole and says something else than it should, as a foreign tool may write it, is refused with a sentence.</summary>
public sealed class ForeignTableTests : IDisposable
{
    private static readonly Dictionary<string, Action<JsonObject>> Edits = new()
    {
        ["layout is a number"] = table => Panel(table)["layout"] = 3,
        ["layout is null"] = table => Panel(table)["layout"] = null,
        ["layout is an object"] = table => Panel(table)["layout"] = new JsonObject(),
        ["layout is rows"] = table => Panel(table)["layout"] = "rows",
        ["layout is Panels"] = table => Panel(table)["layout"] = "Panels",
        ["layout is empty"] = table => Panel(table)["layout"] = "",
        ["layout is missing"] = table => Panel(table).Remove("layout"),
        ["a vector in panels"] = table => Tensors(table).First(tensor => tensor["shape"]!.AsArray().Count == 1)["layout"] = "panels",
        ["the embedding in panels"] = table => Tensors(table).First(tensor => tensor["layout"] is null)["layout"] = "panels",
        ["version of rows"] = table => table["version"] = 2,
        ["version is a word"] = table => table["version"] = "3",
        ["version is too large"] = table => table["version"] = long.MaxValue,
        ["tensor is stored"] = table => Panel(table)["precision"] = "stored",
        ["tensor is Int8"] = table => Panel(table)["precision"] = "Int8",
        ["tensor is bf17"] = table => Panel(table)["precision"] = "bf17",
        ["tensor is fp32"] = table => Panel(table)["precision"] = "fp32",
        ["tensor is int4"] = table => Panel(table)["precision"] = "int4",
        ["precision is null"] = table => table["precision"] = null,
        ["precision is stored"] = table => table["precision"] = "stored",
        ["head is stored"] = table => table["head_precision"] = "stored",
        ["block size 0"] = table => table["block_size"] = 0,
        ["block size -32"] = table => table["block_size"] = -32,
        ["block size 17"] = table => table["block_size"] = 17,
        ["block size 8"] = table => table["block_size"] = 8,
        ["block size 48"] = table => table["block_size"] = 48,
        ["block size 512"] = table => table["block_size"] = 512,
        ["block size of a whole int"] = table => table["block_size"] = int.MaxValue,
        ["block size beyond an int"] = table => table["block_size"] = 1L << 40,
        ["block size is a word"] = table => table["block_size"] = "32",
        ["block size is missing"] = table => table.Remove("block_size"),
        ["offset is negative"] = table => Panel(table)["offset"] = -4096,
        ["offset between pages"] = table => Panel(table)["offset"] = 64,
        ["offset at the end"] = table => Panel(table)["offset"] = table["data_length"]!.GetValue<long>(),
        ["offset beyond all"] = table => Panel(table)["offset"] = long.MaxValue / 4096 * 4096,
        ["shape is empty"] = table => Panel(table)["shape"] = new JsonArray(),
        ["shape has a zero"] = table => Panel(table)["shape"] = new JsonArray(0, 64),
        ["shape is negative"] = table => Panel(table)["shape"] = new JsonArray(-32, -64),
        ["shape of three"] = table => Panel(table)["shape"] = new JsonArray(2, 16, 64),
        ["shape beyond all"] = table => Panel(table)["shape"] = new JsonArray(1L << 40, 1L << 40),
        ["shape beyond a long"] = table => Panel(table)["shape"] = new JsonArray(long.MaxValue, long.MaxValue),
        ["shape a panel less"] = table => Panel(table)["shape"] = new JsonArray(32, 64),
        ["data length"] = table => table["data_length"] = 4096,
        ["name of another"] = table => Panel(table)["name"] = Tensors(table).Last()["name"]!.GetValue<string>(),
        ["no tensors"] = table => table["tensors"] = new JsonArray(),
        ["tensors are no list"] = table => table["tensors"] = 5,
        ["a tensor is no object"] = table => table["tensors"]!.AsArray()[0] = 5,
        ["hashes are negative"] = table => table["chunk_hashes"]!.AsArray()[0] = -1,
        ["a hash less"] = table => table["chunk_hashes"]!.AsArray().Clear(),
        ["key"] = table => table["key"] = new string('0', 32),
        ["checkpoint is no number"] = table => table["checkpoint"] = "xyz",
    };

    private readonly FixtureCheckpoint _model = new("llama_base");

    public static TheoryData<string> Names => [.. Edits.Keys];

    public void Dispose() => _model.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void What_it_may_not_say_is_refused_with_the_file_s_name(string what)
    {
        string folder = Prepare();
        string path = Path.Combine(folder, "specdecode.weights");
        Rewrite(path, Edits[what]);
        CheckpointException error = Assert.Throws<CheckpointException>(() => Open(folder));
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.True(
            error.Message.Contains("is damaged", StringComparison.Ordinal) || error.Message.Contains("does not belong to the config.json", StringComparison.Ordinal)
            || error.Message.Contains("is of format version", StringComparison.Ordinal), error.Message);
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(128, true)]
    [InlineData(48, false)]
    [InlineData(112, false)]
    [InlineData(240, false)]
    public void Only_block_sizes_that_kernels_have_can_be_read_whoever_wrote_the_table(int blockSize, bool isRead)
    {
        TensorFormat format = new(Precision.Int8, blockSize, TensorLayout.Panels);
        PreparedTensor tensor = new("w", [32, 480], format, 0);
        long bytes = format.FileBytes(tensor.Shape);
        PreparedWeightsFormat.Table table = new(
            PreparedWeightsFormat.VersionOf(TensorLayout.Panels), "key", new WeightOrigin(default, new WeightSettings(Precision.Int8, Precision.Int8, blockSize), []), bytes, [], [tensor]);
        using MemoryStream json = new();
        using (System.Text.Json.Utf8JsonWriter writer = new(json))
        {
            WeightTable.Write(writer, table);
        }

        Assert.Equal(isRead, WeightTable.Parse(json.ToArray(), bytes) is not null);
    }

    [Fact]
    public void A_table_that_is_written_anew_without_a_change_is_accepted()
    {
        string folder = Prepare();
        Rewrite(Path.Combine(folder, "specdecode.weights"), _ => { });
        Open(folder);
    }

    [Fact]
    public void Bytes_of_the_table_at_random_are_refused_or_change_nothing()
    {
        string folder = Prepare();
        string path = Path.Combine(folder, "specdecode.weights");
        byte[] sound = File.ReadAllBytes(path);
        (int table, int trailer) = Places(sound);
        Random random = new(1);
        for (int round = 0; round < 200; round++)
        {
            byte[] bytes = sound[table..trailer];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(0x20, 0x7F);
            }

            Write(path, sound[..table], bytes);
            try
            {
                Open(folder);
            }
            catch (SpecDecodeException error)
            {
                Assert.NotEqual("", error.Message);
            }
        }
    }

    private static IEnumerable<JsonObject> Tensors(JsonObject table) => table["tensors"]!.AsArray().Select(tensor => tensor!.AsObject());

    private static JsonObject Panel(JsonObject table) => Tensors(table).First(tensor => tensor["layout"] is not null);

    private static void Open(string folder)
    {
        using ModelFolder opened = ModelFolder.Open(folder, new ModelOptions());
        DecoderDescription model = ModelFamilies.Describe(opened.Checkpoint);
        opened.FindPrepared(model);
        using PreparedWeights weights = opened.OpenWeights(model, null, TestContext.Current.CancellationToken);
    }

    private static void Rewrite(string path, Action<JsonObject> edit)
    {
        byte[] sound = File.ReadAllBytes(path);
        (int table, int trailer) = Places(sound);
        JsonObject json = JsonNode.Parse(sound.AsSpan(table, trailer - table))!.AsObject();
        edit(json);
        Write(path, sound[..table], System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    private static (int Table, int Trailer) Places(byte[] file)
    {
        int trailer = file.Length - PreparedWeightsFormat.TrailerBytes;
        return (trailer - (int)BitConverter.ToInt64(file, trailer), trailer);
    }

    private static void Write(string path, byte[] data, byte[] table) => File.WriteAllBytes(
        path, [.. data, .. table, .. BitConverter.GetBytes((long)table.Length), .. XxHash128.Hash(table), .. "SpecDecodeWeight"u8]);

    private string Prepare()
    {
        string folder = _model.Beside("prepared");
        ModelPreparation.Prepare(_model.Folder, new ModelOptions { Precision = Precision.Int8, Kernels = KernelChoice.Own }, folder, null, TestContext.Current.CancellationToken);
        return folder;
    }
}
