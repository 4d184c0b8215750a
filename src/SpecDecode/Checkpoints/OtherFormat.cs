namespace SpecDecode.Checkpoints;

/// <summary>Knows folders that hold a model in another form than config.json with safetensors files, by the names in them.</summary>
internal static class OtherFormat
{
    private const string Convert = "only safetensors are read: convert it to " + CheckpointFolder.SingleFile
        + ", for instance by save_pretrained(..., safe_serialization=True) in transformers";

    private const string Elsewhere = "use the checkpoint on Hugging Face that it was made of, with " + CheckpointFolder.Config + " and safetensors files";

    // The first that fits is said, so what is certain stands before what only hints.
    private static readonly (Func<string, bool> Fits, string Said)[] Forms =
    [
        (Named("adapter_config.json", "adapter_model."), "it has {0}, which belongs to an adapter (LoRA or the like): merge it into its base model, for instance by merge_and_unload() and save_pretrained() in PEFT, and give that folder"),
        (Ending(".gguf"), "it has {0}, a GGUF file, and " + Convert),
        (Named("genai_config.json"), "it has {0}, of a model for ONNX Runtime GenAI, which is not read: " + Elsewhere),
        (Ending(".onnx"), "it has {0}, an ONNX graph, which is not read: " + Elsewhere),
        (Named("model_index.json"), "it has {0}, of a pipeline of several models, which is not read: give the folder of a language model"),
        (Named("consolidated.", "params.json"), "it has {0}, of the form in which Mistral and Meta publish weights, which is not read: use the files in the form of Hugging Face transformers, or convert them with its script for this model"),
        (Named("tf_model.", "saved_model.pb"), "it has {0}, weights of TensorFlow, and " + Convert),
        (Named("flax_model"), "it has {0}, weights of Flax, and " + Convert),
        (Ending(".npz"), "it has {0}, weights of MLX or NumPy, and " + Convert),
        (name => name.StartsWith("pytorch_model", StringComparison.Ordinal) && Ending(".bin")(name), "it has {0}, and " + Convert),
        (Ending(".pth", ".pt", ".ckpt", ".bin"), "it has {0}, and " + Convert),
        (Ending(".nemo", ".llamafile", ".tflite", ".mlmodel", ".mlpackage", ".engine"), "it has {0}, which is not read: " + Elsewhere),
    ];

    /// <summary>What the folder holds and what to do about it.</summary>
    /// <param name="folder">The folder's full path.</param>
    /// <returns>The rest of a sentence; null for a folder of no form that is known.</returns>
    /// <exception cref="CheckpointException">The folder cannot be listed.</exception>
    public static string? Describe(string folder)
    {
        try
        {
            string[] names = [.. Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
            foreach ((Func<string, bool> fits, string said) in Forms)
            {
                if (Array.Find(names, name => fits(name)) is { } found)
                {
                    return string.Format(System.Globalization.CultureInfo.InvariantCulture, said, CheckpointText.Shorten(found));
                }
            }

            return names.Contains("snapshots") && Snapshot(Path.Combine(folder, "snapshots")) is { } snapshot
                ? $"it is a model's folder in a Hugging Face cache: give the folder of a snapshot, {snapshot}"
                : null;
        }
        catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
        {
            throw CheckpointFile.Unreadable(folder, failure);
        }
    }

    private static string? Snapshot(string snapshots) => !Directory.Exists(snapshots)
        ? null
        : Directory.EnumerateDirectories(snapshots).Order(StringComparer.Ordinal)
            .FirstOrDefault(snapshot => Path.Exists(Path.Combine(snapshot, CheckpointFolder.Config)));

    private static Func<string, bool> Named(params string[] beginnings) =>
        name => beginnings.Any(beginning => name.StartsWith(beginning, StringComparison.Ordinal));

    private static Func<string, bool> Ending(params string[] endings) =>
        name => endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
