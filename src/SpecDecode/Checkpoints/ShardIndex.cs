using System.Text.Json;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>The file <c>model.safetensors.index.json</c>: which tensor is in which shard.</summary>
internal sealed class ShardIndex
{
    private const int MaxLength = 100_000_000;
    private const string WeightMapKey = "weight_map";

    private ShardIndex(string path, Dictionary<string, string> shardOfTensor)
    {
        Path = path;
        ShardOfTensor = shardOfTensor;
    }

    /// <summary>The index's full path.</summary>
    public string Path { get; }

    /// <summary>For each tensor the plain file name of its shard.</summary>
    public IReadOnlyDictionary<string, string> ShardOfTensor { get; }

    /// <summary>Reads and checks the index; the shards are not looked at.</summary>
    /// <param name="path">The index's full path.</param>
    /// <exception cref="CheckpointException">It is no index, or names a shard by more than a plain file name.</exception>
    public static ShardIndex Load(string path)
    {
        var root = CheckpointJson.ParseObject(path, CheckpointFile.ReadAll(path, MaxLength, out _));
        var maps = (from member in CheckpointJson.Members(path, root) where member.Key == WeightMapKey select member.Value).ToList();
        if (maps is not [{ ValueKind: JsonValueKind.Object } map])
        {
            string found = maps.Count switch { 0 => "is missing", 1 => $"is {CheckpointJson.Describe(maps[0])}", _ => "is there twice" };
            throw new CheckpointException(path, $"\"{WeightMapKey}\" {found}; "
                + "expected one object from tensor to shard, download the file again");
        }

        var shardOfTensor = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (tensor, value) in CheckpointJson.Members(path, map))
        {
            string key = $"{WeightMapKey}.{tensor}";
            if (value.ValueKind != JsonValueKind.String)
            {
                throw new CheckpointException(path, $"{Quote(key)} is {CheckpointJson.Describe(value)}; "
                    + "expected the name of a shard, download the file again");
            }

            string shard = CheckpointJson.Text(path, key, value);
            if (!IsPlainName(shard))
            {
                throw new CheckpointException(path, $"{Quote(key)} is {Quote(shard)}; "
                    + "expected the plain name of a .safetensors file in the same folder, download the file again");
            }

            if (!shardOfTensor.TryAdd(tensor, shard))
                throw new CheckpointException(path, $"{Quote(key)} is there twice; download the file again");
        }

        if (shardOfTensor.Count == 0)
            throw new CheckpointException(path, $"\"{WeightMapKey}\" is empty; download the file again");
        return new(path, shardOfTensor);
    }

    // A plain name cannot lead out of the folder: no separators of any system, no drive, no stream, no control characters.
    private static bool IsPlainName(string name)
        => name.EndsWith(".safetensors", StringComparison.Ordinal)
        && !name.AsSpan().ContainsAny('/', '\\', ':')
        && !name.Contains("..", StringComparison.Ordinal)
        && !name.Any(char.IsControl);
}
