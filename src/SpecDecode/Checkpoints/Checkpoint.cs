using System.Diagnostics.CodeAnalysis;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>
/// A Hugging Face checkpoint folder: the model's description and its weights, all checked at opening. Reading is safe from
/// several threads, disposing is not.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    // So many elements that their bytes fit an int with room to spare.
    private const int ElementsPerPiece = 1 << 24;
    private readonly ShardSet _weights;

    private Checkpoint(string folder, ConfigDocument config, ConfigDocument? generationConfig, string? tokenizerPath, ShardSet weights)
    {
        Folder = folder;
        Config = config;
        GenerationConfig = generationConfig;
        TokenizerPath = tokenizerPath;
        _weights = weights;
    }

    /// <summary>The folder's full path.</summary>
    public string Folder { get; }

    /// <summary>The file <c>config.json</c>.</summary>
    public ConfigDocument Config { get; }

    /// <summary>The file <c>generation_config.json</c>; null when the folder has none.</summary>
    public ConfigDocument? GenerationConfig { get; }

    /// <summary>The full path of <c>tokenizer.json</c>, or else of <c>tokenizer.model</c>; null when the folder has neither.</summary>
    public string? TokenizerPath { get; }

    /// <summary>
    /// Where complaints about tensors are kept instead of being thrown, so that all of them can be told; null, the default, throws the
    /// first. While they are kept no weight is read.
    /// </summary>
    public DeferredComplaints? Deferred { get; init; }

    /// <summary>All tensors by name; of shards those that the index names.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors => _weights.Tensors;

    /// <summary>The open files of weights in the order of their names; none where the weights are elsewhere.</summary>
    public IReadOnlyList<SafetensorsFile> WeightFiles => _weights.Files;

    /// <summary>Opens a folder: its <c>model.safetensors</c>, or else the shards of <c>model.safetensors.index.json</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">The folder or one of its files is missing, damaged or inconsistent.</exception>
    public static Checkpoint Open(string folder) => Open(folder, ShardSet.Open);

    /// <summary>The same, with complaints about tensors kept for the end.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="deferred">Where they are kept.</param>
    /// <param name="tensors">The tensors where the weights are elsewhere; null opens the folder's own.</param>
    public static Checkpoint OpenDeferring(string folder, DeferredComplaints deferred, IEnumerable<TensorEntry>? tensors) =>
        Open(folder, tensors is null ? ShardSet.Open : _ => ShardSet.Listed(tensors), deferred);

    /// <summary>Opens a folder whose weights are elsewhere: the tensors can be looked up, but not read.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tensors">The tensors that the checkpoint has.</param>
    /// <exception cref="CheckpointException">The folder or one of its files is missing, damaged or inconsistent.</exception>
    public static Checkpoint Open(string folder, IEnumerable<TensorEntry> tensors) => Open(folder, _ => ShardSet.Listed(tensors));

    /// <summary>Looks for a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="tensor">The tensor, when there is one.</param>
    public bool TryGet(string name, [MaybeNullWhen(false)] out TensorEntry tensor) => Tensors.TryGetValue(name, out tensor);

    /// <summary>A tensor that must be there, with a certain shape and a type that <see cref="ReadFloats"/> reads.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">The dimensions it must have, outermost first; none for a scalar.</param>
    /// <exception cref="CheckpointException">It is missing, or has another shape or type.</exception>
    public TensorEntry Require(string name, params ReadOnlySpan<long> shape)
    {
        try
        {
            return Find(name, shape);
        }
        catch (CheckpointException complaint) when (Deferred?.TryKeep(complaint) == true)
        {
            return new TensorEntry(name, "F32", [.. shape], Folder, 0, 0);
        }
    }

    private TensorEntry Find(string name, ReadOnlySpan<long> shape)
    {
        if (!TryGet(name, out var tensor))
        {
            if (_weights.Missing.TryGetValue(name, out var promised))
                throw promised();
            if (TensorPrefix.Describe(Tensors.Keys, name) is { } elsewhere)
            {
                // All names have the prefix.
                if (Deferred is not null)
                    Deferred.IsEnough = true;
                throw new CheckpointException(Folder, $"tensor {Quote(name)} {elsewhere}");
            }

            string path = _weights.Files.Count == 1 ? _weights.Files[0].Path : Folder;
            throw new CheckpointException(path, $"tensor {Quote(name)} is missing; expected one of shape {Dimensions(shape)}: "
                + $"{CheckpointFolder.Config} does not belong to these weights or the checkpoint is not complete, download it again");
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            string found = Dimensions(tensor.Shape.AsSpan());
            throw new CheckpointException(tensor.File, $"tensor {Quote(name)} has the shape {found}; expected {Dimensions(shape)}: "
                + $"{CheckpointFolder.Config} does not belong to these weights, download both again");
        }

        CheckReadable(tensor);
        return tensor;
    }

    /// <summary>Reads weights as singles; every value stays exactly what it is.</summary>
    /// <param name="tensor">A tensor of this checkpoint of type F32, F16 or BF16.</param>
    /// <param name="firstElement">The first element, counted over all dimensions in row-major order.</param>
    /// <param name="destination">[elements], all of it filled.</param>
    /// <exception cref="CheckpointException">The tensor is of another type.</exception>
    /// <exception cref="ArgumentException">The tensor is another checkpoint's, or does not have so many elements.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was closed.</exception>
    public void ReadFloats(TensorEntry tensor, long firstElement, Span<float> destination)
    {
        var file = _weights.FileOf(tensor);
        int size = CheckReadable(tensor);
        long elements = tensor.Length / size;
        ArgumentOutOfRangeException.ThrowIfNegative(firstElement);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstElement, elements);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, elements - firstElement, nameof(destination));

        do
        {
            int count = Math.Min(destination.Length, ElementsPerPiece);
            FloatWidening.Widen(tensor.ElementType, file.Bytes(tensor, firstElement * size, count * size), destination[..count]);
            firstElement += count;
            destination = destination[count..];
        }
        while (!destination.IsEmpty);
    }

    /// <summary>
    /// Whether two tensors have the same shape, type and bytes. Of weights that are elsewhere, and while complaints are deferred, the
    /// bytes are taken to be so.
    /// </summary>
    /// <param name="left">A tensor of this checkpoint.</param>
    /// <param name="right">Another one.</param>
    /// <exception cref="ObjectDisposedException">The checkpoint was closed.</exception>
    public bool AreSame(TensorEntry left, TensorEntry right)
    {
        if (left.DType != right.DType || !left.Shape.AsSpan().SequenceEqual(right.Shape.AsSpan()) || left.Length != right.Length)
            return false;
        if (_weights.Files.Count == 0 || Deferred is not null)
            return true;

        (var leftFile, var rightFile) = (_weights.FileOf(left), _weights.FileOf(right));
        bool same = true;
        for (long done = 0; same && done < left.Length; done += ElementsPerPiece)
        {
            int count = (int)Math.Min(ElementsPerPiece, left.Length - done);
            same = leftFile.Bytes(left, done, count).SequenceEqual(rightFile.Bytes(right, done, count));
        }

        leftFile.DropPages(left);
        rightFile.DropPages(right);
        return same;
    }

    /// <summary>
    /// Tells the operating system that a tensor's pages are not needed any more, so that they do not count as this process's
    /// memory; they can still be read. Linux only, nothing happens elsewhere.
    /// </summary>
    /// <param name="tensor">A tensor of this checkpoint.</param>
    /// <exception cref="ArgumentException">The tensor is another checkpoint's.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was closed.</exception>
    public void DropPages(TensorEntry tensor) => _weights.FileOf(tensor).DropPages(tensor);

    /// <summary>
    /// The XXH128 of <c>config.json</c> and of all safetensors files in the order of their names; names and lengths
    /// count, times and the folder's own name do not. Reads everything, so it takes as long as the disk does.
    /// </summary>
    /// <param name="progress">Told the share that is done; null for nobody.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    /// <exception cref="CheckpointException">A file cannot be read any more.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was closed.</exception>
    /// <exception cref="OperationCanceledException">The token said so.</exception>
    public ContentHash Fingerprint(IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
        => CheckpointFingerprint.Compute(Config, _weights.Files, progress, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    private static Checkpoint Open(string folder, Func<string, ShardSet> openWeights, DeferredComplaints? deferred = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        folder = CheckpointFile.FullPath(folder);
        CheckpointFolder.CheckExists(folder);
        if (!CheckpointFolder.IsThere(Path.Combine(folder, CheckpointFolder.Config)) && OtherFormat.Describe(folder) is { } other)
            throw new CheckpointException(folder, $"holds no {CheckpointFolder.Config}; {other}");

        var config = ConfigDocument.Load(Path.Combine(folder, CheckpointFolder.Config));
        string generationConfig = Path.Combine(folder, CheckpointFolder.GenerationConfig);
        return new(
            folder,
            config,
            CheckpointFolder.IsThere(generationConfig) ? ConfigDocument.Load(generationConfig) : null,
            CheckpointFolder.FindTokenizer(folder),
            openWeights(folder)) { Deferred = deferred };
    }

    /// <summary>The size of one element in bytes.</summary>
    private static int CheckReadable(TensorEntry tensor)
        => TensorDType.WeightBytes(tensor.ElementType)
        ?? throw new CheckpointException(tensor.File, $"tensor {Quote(tensor.Name)} has the type "
            + $"{Shorten(tensor.DType)}; expected F32, F16 or BF16: use the checkpoint that is not quantized, or convert it");
}
