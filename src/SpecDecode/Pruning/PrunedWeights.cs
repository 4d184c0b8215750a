using System.Globalization;
using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.Pruning;

/// <summary>
/// The safetensors files of a model that has only some of its layers: one or as many shards as there were, tensors as they are, layers
/// numbered anew.
/// </summary>
internal static class PrunedWeights
{
    private static readonly string[] LayerPrefixes = ["model.layers.", "gpt_neox.layers."];

    /// <summary>Bytes of the tensors that stay.</summary>
    /// <param name="checkpoint">The whole model.</param>
    /// <param name="layers">The layers that stay.</param>
    public static long Bytes(Checkpoint checkpoint, IReadOnlyList<int> layers) =>
        checkpoint.Tensors.Values.Where(tensor => Renamed(tensor.Name, layers) is not null).Sum(tensor => tensor.Length);

    /// <summary>Writes the files.</summary>
    /// <param name="checkpoint">The whole model.</param>
    /// <param name="folder">Where they go.</param>
    /// <param name="layers">The layers that stay, in their order.</param>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="CheckpointException">A weight cannot be read any more.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public static void Write(Checkpoint checkpoint, string folder, IReadOnlyList<int> layers, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        List<(SafetensorsFile Source, List<(string Name, TensorEntry Tensor)> Tensors)> files = [];
        foreach (SafetensorsFile source in checkpoint.WeightFiles)
        {
            List<(string Name, TensorEntry Tensor)> tensors = Select(checkpoint, source, layers);
            if (tensors.Count > 0)
            {
                files.Add((source, tensors));
            }
        }

        double total = Math.Max(1, files.Sum(file => file.Tensors.Sum(tensor => tensor.Tensor.Length)));
        long done = 0;
        bool isSharded = checkpoint.WeightFiles.Count > 1 || Path.GetFileName(checkpoint.WeightFiles[0].Path) != CheckpointFolder.SingleFile;
        for (int i = 0; i < files.Count; i++)
        {
            using FileStream target = NewFile.Create(Path.Combine(folder, isSharded ? ShardName(i, files.Count) : CheckpointFolder.SingleFile), files[i].Source.Path);
            SafetensorsWriter.Write(target, files[i].Source, files[i].Tensors, Wrote, cancellationToken);
            target.Flush(flushToDisk: true);
        }

        if (isSharded)
        {
            WriteIndex(Path.Combine(folder, CheckpointFolder.ShardIndex), checkpoint, files);
        }

        void Wrote(long bytes)
        {
            done += bytes;
            progress?.Report(done / total);
        }
    }

    /// <summary>The name that a tensor gets.</summary>
    /// <param name="name">Its name as families know it.</param>
    /// <param name="layers">The layers that stay.</param>
    /// <returns>The same for what belongs to no layer; null for what belongs to a layer that goes, or that config.json does not count.</returns>
    public static string? Renamed(string name, IReadOnlyList<int> layers)
    {
        if (LayerPrefixes.FirstOrDefault(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) is not { } prefix)
        {
            return name;
        }

        string rest = name[prefix.Length..];
        int end = rest.IndexOf('.', StringComparison.Ordinal);
        if (end < 0 || !int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
        {
            return name;
        }

        for (int i = 0; i < layers.Count; i++)
        {
            if (layers[i] == layer)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{prefix}{i}{rest[end..]}");
            }
        }

        return null;
    }

    // In the order in which they lie, so that reading goes forward.
    private static List<(string Name, TensorEntry Tensor)> Select(Checkpoint checkpoint, SafetensorsFile source, IReadOnlyList<int> layers)
    {
        List<(string Name, TensorEntry Tensor)> tensors = [];
        foreach (TensorEntry tensor in checkpoint.Tensors.Values
            .Where(tensor => tensor.File == source.Path).OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            if (Renamed(tensor.Name, layers) is { } known)
            {
                // Stored without the prefix, it stays so.
                int left = tensor.Name.Length - TensorPrefix.Stored(tensor.Name, source.Tensors.ContainsKey).Length;
                tensors.Add((known[left..], tensor));
            }
        }

        return tensors;
    }

    private static string ShardName(int shard, int count) => string.Create(CultureInfo.InvariantCulture, $"model-{shard + 1:d5}-of-{count:d5}.safetensors");

    private static void WriteIndex(string path, Checkpoint checkpoint, List<(SafetensorsFile Source, List<(string Name, TensorEntry Tensor)> Tensors)> files)
    {
        using FileStream target = NewFile.Create(path, checkpoint.Config.Path);
        using (Utf8JsonWriter json = new(target, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", files.Sum(file => file.Tensors.Sum(tensor => tensor.Tensor.Length)));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            for (int i = 0; i < files.Count; i++)
            {
                foreach ((string name, _) in files[i].Tensors)
                {
                    json.WriteString(name, ShardName(i, files.Count));
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        target.Flush(flushToDisk: true);
    }
}
