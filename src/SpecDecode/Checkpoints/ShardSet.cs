using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>The open safetensors files of a checkpoint, in the order of their names, and the tensors in them.</summary>
internal sealed class ShardSet : IDisposable
{
    private readonly Dictionary<string, SafetensorsFile> _fileOfPath;

    private ShardSet(List<SafetensorsFile> files, IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        Files = files;
        Tensors = tensors;
        _fileOfPath = files.ToDictionary(static file => file.Path, StringComparer.Ordinal);
    }

    /// <summary>The files in ordinal order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>Opens the safetensors files: the single one, or else those that the index names.</summary>
    /// <param name="folder">The folder's full path.</param>
    /// <exception cref="CheckpointException">There are none, or one of them cannot be used.</exception>
    public static ShardSet Open(string folder)
    {
        string single = Path.Combine(folder, CheckpointFolder.SingleFile);
        if (Path.Exists(single))
            return Single(SafetensorsFile.Open(single));

        string index = Path.Combine(folder, CheckpointFolder.ShardIndex);
        if (Path.Exists(index))
            return Sharded(folder, ShardIndex.Load(index));

        string missing = $"holds neither {CheckpointFolder.SingleFile} nor {CheckpointFolder.ShardIndex}";
        throw new CheckpointException(folder, OtherWeights(folder) is { } other
            ? $"{missing}; it has {other}, and only safetensors are read: convert it to {CheckpointFolder.SingleFile}, "
                + "for instance by save_pretrained(..., safe_serialization=True) in transformers"
            : $"{missing}; download the checkpoint's weights");
    }

    /// <summary>A checkpoint of one file.</summary>
    /// <param name="file">The file; owned by the set.</param>
    public static ShardSet Single(SafetensorsFile file) => new([file], file.Tensors);

    /// <summary>Tensors without files: they can be looked up, but not read.</summary>
    /// <param name="tensors">The tensors, their names all different.</param>
    public static ShardSet Listed(IEnumerable<TensorEntry> tensors)
        => new([], tensors.ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal));

    /// <summary>Opens all shards of an index. Its tensors are the set's; what else lies in the shards is left out.</summary>
    /// <param name="folder">The folder of the shards.</param>
    /// <param name="index">The index.</param>
    /// <exception cref="CheckpointException">A shard is missing or damaged, lacks a tensor, or two shards have the same tensor.</exception>
    public static ShardSet Sharded(string folder, ShardIndex index)
    {
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (string shard in index.ShardOfTensor.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
                files.Add(OpenShard(folder, shard, index));
            return new(files, Merge(files, index));
        }
        catch
        {
            files.ForEach(static file => file.Dispose());
            throw;
        }
    }

    /// <summary>The file in which a tensor lies.</summary>
    /// <param name="tensor">A tensor of this checkpoint.</param>
    /// <exception cref="ArgumentException">It is another checkpoint's.</exception>
    public SafetensorsFile FileOf(TensorEntry tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return _fileOfPath.TryGetValue(tensor.File, out var file)
            ? file
            : throw new ArgumentException(
                $"The tensor {Quote(tensor.Name)} lies in {tensor.File}, which is no file of this checkpoint.", nameof(tensor));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in Files)
            file.Dispose();
    }

    private static SafetensorsFile OpenShard(string folder, string shard, ShardIndex index)
    {
        string path = Path.Combine(folder, shard);
        if (Path.Exists(path))
            return SafetensorsFile.Open(path);
        string tensor = index.ShardOfTensor.First(pair => pair.Value == shard).Key;
        throw new CheckpointException(path, $"is missing, and {CheckpointFolder.ShardIndex} names it for tensor "
            + $"{Quote(tensor)}; download it");
    }

    private static Dictionary<string, TensorEntry> Merge(List<SafetensorsFile> files, ShardIndex index)
    {
        var all = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        foreach (var tensor in files.SelectMany(static file => file.Tensors.Values))
        {
            if (!all.TryAdd(tensor.Name, tensor))
            {
                throw new CheckpointException(tensor.File, $"tensor {Quote(tensor.Name)} is also in "
                    + $"{Path.GetFileName(all[tensor.Name].File)}; the shards are not of one checkpoint, download them again");
            }
        }

        var tensors = new Dictionary<string, TensorEntry>(index.ShardOfTensor.Count, StringComparer.Ordinal);
        foreach (var (name, shard) in index.ShardOfTensor)
        {
            bool exists = all.TryGetValue(name, out var tensor);
            if (!exists || Path.GetFileName(tensor!.File) != shard)
            {
                string found = exists ? $"it is in {Path.GetFileName(tensor!.File)}" : "no shard has it";
                throw new CheckpointException(index.Path, $"tensor {Quote(name)} should be in "
                    + $"{Shorten(shard)}, and {found}; download the index and the shards again");
            }

            tensors.Add(name, tensor);
        }

        return tensors;
    }

    private static string? OtherWeights(string folder)
    {
        try
        {
            return Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).FirstOrDefault(static name =>
                name!.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
                || (name.StartsWith("pytorch_model", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal)));
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
        {
            throw CheckpointFile.Unreadable(folder, failure);
        }
    }
}
