using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>The open safetensors files of a checkpoint, in the order of their names, and the tensors in them.</summary>
internal sealed class ShardSet : IDisposable
{
    private readonly Dictionary<string, SafetensorsFile> _fileOfPath;

    private ShardSet(
        List<SafetensorsFile> files, IReadOnlyDictionary<string, TensorEntry> tensors, IReadOnlyDictionary<string, Func<CheckpointException>>? missing = null)
    {
        Files = files;
        Tensors = tensors;
        Missing = missing ?? new Dictionary<string, Func<CheckpointException>>();
        if (TensorPrefix.Completion([.. Tensors.Keys, .. Missing.Keys]) is { } nameOf)
        {
            Tensors = Tensors.Values.Select(tensor => tensor with { Name = nameOf(tensor.Name) }).ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal);
            Missing = Missing.ToDictionary(pair => nameOf(pair.Key), static pair => pair.Value, StringComparer.Ordinal);
        }

        _fileOfPath = files.ToDictionary(static file => file.Path, StringComparer.Ordinal);
    }

    /// <summary>The files in ordinal order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files { get; }

    /// <summary>All tensors by name, the decoder's with the prefix that families know.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>Tensors that the index names and that are not where it says, each with the error for whoever needs it.</summary>
    public IReadOnlyDictionary<string, Func<CheckpointException>> Missing { get; }

    /// <summary>Opens the safetensors files: the single one, or else those that the index names.</summary>
    /// <param name="folder">The folder's full path.</param>
    /// <exception cref="CheckpointException">There are none, or one of them cannot be used.</exception>
    public static ShardSet Open(string folder)
    {
        string single = Path.Combine(folder, CheckpointFolder.SingleFile);
        if (CheckpointFolder.IsThere(single))
            return Single(SafetensorsFile.Open(single));

        string index = Path.Combine(folder, CheckpointFolder.ShardIndex);
        if (CheckpointFolder.IsThere(index))
            return Sharded(folder, ShardIndex.Load(index));

        string missing = $"holds neither {CheckpointFolder.SingleFile} nor {CheckpointFolder.ShardIndex}";
        throw new CheckpointException(folder, $"{missing}; {OtherFormat.Describe(folder) ?? "download the checkpoint's weights"}");
    }

    /// <summary>A checkpoint of one file.</summary>
    /// <param name="file">The file; owned by the set.</param>
    public static ShardSet Single(SafetensorsFile file) => new([file], file.Tensors);

    /// <summary>Tensors without files: they can be looked up, but not read.</summary>
    /// <param name="tensors">The tensors, their names all different.</param>
    public static ShardSet Listed(IEnumerable<TensorEntry> tensors)
        => new([], tensors.ToDictionary(static tensor => tensor.Name, StringComparer.Ordinal));

    /// <summary>
    /// Opens all shards of an index. The index says which tensors there are and where: what else lies in the shards is left out,
    /// a second tensor of the same name too.
    /// </summary>
    /// <param name="folder">The folder of the shards.</param>
    /// <param name="index">The index.</param>
    /// <exception cref="CheckpointException">A shard is missing or damaged.</exception>
    public static ShardSet Sharded(string folder, ShardIndex index)
    {
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (string shard in index.ShardOfTensor.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
                files.Add(OpenShard(folder, shard, index));
            return Indexed(files, index);
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

    /// <summary>Opens a shard that an index names.</summary>
    /// <exception cref="CheckpointException">It is missing or damaged.</exception>
    public static SafetensorsFile OpenShard(string folder, string shard, ShardIndex index)
    {
        string path = Path.Combine(folder, shard);
        if (CheckpointFolder.IsThere(path))
            return SafetensorsFile.Open(path);
        string tensor = index.ShardOfTensor.First(pair => pair.Value == shard).Key;
        throw new CheckpointException(path, $"is missing, and {CheckpointFolder.ShardIndex} names it for tensor "
            + $"{Quote(tensor)}; download it");
    }

    private static ShardSet Indexed(List<SafetensorsFile> files, ShardIndex index)
    {
        Dictionary<string, SafetensorsFile> fileOfShard = files.ToDictionary(static file => Path.GetFileName(file.Path), StringComparer.Ordinal);
        var tensors = new Dictionary<string, TensorEntry>(index.ShardOfTensor.Count, StringComparer.Ordinal);
        var missing = new Dictionary<string, Func<CheckpointException>>(StringComparer.Ordinal);
        foreach (var (name, shard) in index.ShardOfTensor)
        {
            if (fileOfShard[shard].Tensors.TryGetValue(name, out var tensor))
                tensors.Add(name, tensor);
            else
                missing.Add(name, () => NotWhereItShouldBe(name, shard));
        }

        return new(files, tensors, missing);

        CheckpointException NotWhereItShouldBe(string name, string shard)
        {
            string found = files.Find(file => file.Tensors.ContainsKey(name)) is { } other ? $"it is in {Path.GetFileName(other.Path)}" : "no shard has it";
            return new(index.Path, $"tensor {Quote(name)} should be in {Shorten(shard)}, and {found}; download the index and the shards again");
        }
    }
}
