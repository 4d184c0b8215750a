using SpecDecode.Checkpoints;

namespace SpecDecode.Peers.Exports;

/// <summary>
/// Where the peers' files are kept, by the checkpoint's content: what is there is used again. Files get their names when they are whole, so that one
/// that was being written when a run was ended is made again.
/// </summary>
internal sealed class ExportFolder
{
    // Raised when exports change, so that those of before are not used.
    private const int Version = 1;

    private readonly string _checkpoint;
    private readonly string _folder;
    private readonly Precision _stored;

    /// <summary>The folder of a checkpoint.</summary>
    /// <param name="work">Where all are.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <exception cref="CheckpointException">It is damaged, or not a plain Llama model.</exception>
    public ExportFolder(string work, string checkpoint)
    {
        _checkpoint = checkpoint;
        using LlamaCheckpoint model = LlamaCheckpoint.Open(checkpoint);
        Context = model.Context;
        Vocabulary = model.Vocabulary;
        _stored = model.Stored;
        _folder = Path.Combine(work, FormattableString.Invariant($"v{Version}-{model.Fingerprint()}"));
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Longest sequence of the checkpoint.</summary>
    public int Context { get; }

    /// <summary>Token ids of the checkpoint.</summary>
    public int Vocabulary { get; }

    /// <summary>Where this library keeps its prepared weights.</summary>
    public string Prepared => Path.Combine(_folder, "prepared");

    /// <summary>The file for llama.cpp.</summary>
    public string Gguf(Precision asked)
    {
        Precision precision = asked == Precision.Stored ? _stored : asked;
        return Made($"{Name(precision)}.gguf", File.Exists, path =>
        {
            using LlamaCheckpoint model = LlamaCheckpoint.Open(_checkpoint);
            GgufExport.Write(model, precision, path);
        });
    }

    /// <summary>The folder for ONNX Runtime GenAI.</summary>
    public string GenAi(Precision precision) => Made($"genai-{Name(precision)}", Directory.Exists, path =>
    {
        using LlamaCheckpoint model = LlamaCheckpoint.Open(_checkpoint);
        Directory.CreateDirectory(path);
        GenAiExport.Write(model, precision, path);
    });

    private static string Name(Precision precision) => precision.ToString().ToLowerInvariant();

    private string Made(string name, Func<string, bool> isThere, Action<string> write)
    {
        string path = Path.Combine(_folder, name);
        if (!isThere(path))
        {
            Console.Error.WriteLine($"writing {path}");
            string partial = Path.Combine(_folder, $"{Guid.NewGuid():n}.partial");
            write(partial);
            Directory.Move(partial, path);
        }

        return path;
    }
}
