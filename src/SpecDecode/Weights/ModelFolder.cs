using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// A folder that a model is loaded from: a checkpoint, whose weights are converted by way of the cache, or a folder that was
/// prepared ahead of time and holds converted weights in place of the checkpoint's.
/// </summary>
internal sealed class ModelFolder : IDisposable
{
    private readonly ModelOptions _options;
    // Null for a checkpoint.
    private readonly WeightOrigin? _origin;

    private ModelFolder(Checkpoint checkpoint, ModelOptions options, WeightSettings settings, WeightOrigin? origin)
    {
        Checkpoint = checkpoint;
        Settings = settings;
        _options = options;
        _origin = origin;
    }

    /// <summary>The checkpoint. Of a prepared folder its tensors can be looked up, but not read.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>How its weights are stored once they are converted.</summary>
    public WeightSettings Settings { get; }

    /// <summary>Whether it holds converted weights in place of a checkpoint's.</summary>
    public bool IsPrepared => _origin is not null;

    /// <summary>Whether everything is read in full, whatever is remembered of it.</summary>
    public bool Verifies => _options.VerifyWeights;

    /// <summary>Opens a folder of either kind.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="SpecDecodeException">The folder is missing or damaged, or the options do not go with it.</exception>
    public static ModelFolder Open(string folder, ModelOptions options) => Open(
        folder, options, (path, tensors) => tensors is null ? Checkpoint.Open(path) : Checkpoint.Open(path, tensors));

    private static ModelFolder Open(string folder, ModelOptions options, Func<string, IEnumerable<TensorEntry>?, Checkpoint> open)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Enum.IsDefined(options.Activations))
        {
            throw new OptionException($"{OptionName.OfModel(nameof(options.Activations))} is {options.Activations}: give Int8 or Fp32.");
        }

        if (!Enum.IsDefined(options.WeightMemory))
        {
            throw new OptionException($"{OptionName.OfModel(nameof(options.WeightMemory))} is {options.WeightMemory}: give Mapped or LargePages.");
        }

        if (options.Kernels is { } kernels && !Enum.IsDefined(kernels))
        {
            throw new OptionException($"{OptionName.OfModel(nameof(options.Kernels))} is {kernels}: give Own or OnnxRuntime.");
        }

        string path = Path.Combine(CheckpointFile.FullPath(folder), CheckpointFolder.Prepared);
        if (!CheckpointFolder.IsThere(path))
        {
            WeightSettings.Check(options);
            Checkpoint original = open(folder, null);
            try
            {
                return new ModelFolder(original, options, WeightSettings.Of(options, original.Tensors.Values), origin: null);
            }
            catch
            {
                original.Dispose();
                throw;
            }
        }

        foreach (string original in (string[])[CheckpointFolder.SingleFile, CheckpointFolder.ShardIndex])
        {
            if (CheckpointFolder.IsThere(Path.Combine(folder, original)))
            {
                throw new CheckpointException(folder, $"holds both {original} and {CheckpointFolder.Prepared}, and it is not clear which to use: remove one of them");
            }
        }

        WeightOrigin origin = ReadOrigin(path);
        origin.Settings.CheckAgainst(folder, options, origin.Sources);
        Checkpoint checkpoint = open(
            folder, origin.Sources.Select(source => new TensorEntry(source.Name, source.DType, source.Shape, path, 0, 0)));
        return new ModelFolder(checkpoint, options, origin.Settings, origin);
    }

    /// <summary>Opens a folder of either kind to look at it: what is asked for by default, and complaints about tensors kept for the end.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="deferred">Where they are kept.</param>
    /// <exception cref="SpecDecodeException">The folder is missing or damaged.</exception>
    public static ModelFolder OpenDeferring(string folder, DeferredComplaints deferred) => Open(
        folder, new ModelOptions(), (path, tensors) => Checkpoint.OpenDeferring(path, deferred, tensors));

    /// <summary>
    /// The fingerprint of the checkpoint, or of the one that a prepared folder was made of, as far as it is known without reading weights; null where
    /// it is not.
    /// </summary>
    public string? FindFingerprint() =>
        (_origin?.Fingerprint ?? (CacheFolder.TryFind(_options.CacheFolder) is { } cache ? new RememberedFingerprint(Checkpoint, cache).Find() : null)) is { } known
            ? known.ToString() : null;

    /// <summary>What a prepared folder's file is, as far as its table says: the data are not compared with their hashes.</summary>
    /// <param name="description">The model as its family describes it.</param>
    /// <exception cref="SpecDecodeException">The file cannot be read, its table is damaged, or it belongs to another model.</exception>
    public PreparedModel FindPrepared(DecoderDescription description)
    {
        string path = Path.Combine(Checkpoint.Folder, CheckpointFolder.Prepared);
        ImmutableArray<TensorRecipe> recipes = Settings.Recipes(description, Checkpoint.Tensors);
        PreparedWeightsFormat.Table table = ReadTable(path);
        return PreparedWeightsFile.IsOf(table, _origin!.Key(recipes, table.Version), recipes) ? Result(path, path) : throw Foreign(path);
    }

    /// <summary>Opens the converted weights, after converting them if need be.</summary>
    /// <param name="description">The model as its family describes it.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing half-written stays.</param>
    /// <param name="warn">Told of a file that is not used; null for nobody.</param>
    /// <exception cref="SpecDecodeException">The weights are damaged, or cannot be converted or written.</exception>
    public PreparedWeights OpenWeights(
        DecoderDescription description, IProgress<LoadProgress>? progress, CancellationToken cancellationToken, Action<string>? warn = null)
    {
        PreparedWeights weights = _origin is null
            ? new WeightCache(_options.CacheFolder, warn).Open(Checkpoint, description, Settings, progress, cancellationToken, Verifies)
            : OpenPrepared(_origin, description, progress, warn, cancellationToken);
        weights.Activations = _options.Activations;
        weights.Memory = _options.WeightMemory;
        return weights;
    }

    /// <summary>What was prepared of it.</summary>
    /// <param name="path">What the user is told.</param>
    /// <param name="weights">The file of weights.</param>
    public PreparedModel Result(string path, string weights) => new()
    {
        Path = path,
        Bytes = new FileInfo(weights).Length,
        Precision = Settings.Precision,
        HeadPrecision = Settings.Head,
        BlockSize = Settings.BlockSize,
    };

    /// <inheritdoc/>
    public void Dispose() => Checkpoint.Dispose();

    private PreparedWeights OpenPrepared(
        WeightOrigin origin, DecoderDescription description, IProgress<LoadProgress>? progress, Action<string>? warn, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Checkpoint.Folder, CheckpointFolder.Prepared);
        ImmutableArray<TensorRecipe> recipes = Settings.Recipes(description, Checkpoint.Tensors);
        bool fits = true;
        int version = 0;
        StampFile? memory = CacheFolder.TryFind(_options.CacheFolder) is { } folder ? StampFile.Of(folder, "prepared", path) : null;
        try
        {
            PreparedWeights weights = PreparedWeightsFile.TryOpen(path, IsWanted, new DataCheck(memory, Verifies), progress, cancellationToken)
                ?? throw (fits ? Damaged(path) : Foreign(path));
            if (PreparedWeightsFormat.IsOlder(version) && _options.Kernels is null)
            {
                warn?.Invoke(
                    $"{path}: is of format version {version}, in which matrices lie for ONNX Runtime's kernels, so these multiply and not the library's own, which are faster: prepare the folder again from the original checkpoint, or ask for ONNX Runtime's kernels to be told no more.");
            }

            return weights;
        }
        catch (Exception error) when (CheckpointFile.IsFileFailure(error))
        {
            throw CheckpointFile.Unreadable(path, error);
        }

        bool IsWanted(PreparedWeightsFormat.Table table)
        {
            version = table.Version;
            return fits = PreparedWeightsFile.IsOf(table, origin.Key(recipes, version), recipes);
        }
    }

    private static WeightOrigin ReadOrigin(string path)
    {
        WeightOrigin origin = ReadTable(path).Origin;
        return origin.Sources.DistinctBy(source => source.Name).Count() == origin.Sources.Length ? origin : throw Damaged(path);
    }

    private static PreparedWeightsFormat.Table ReadTable(string path)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = CheckpointFile.Open(path);
        try
        {
            if (PreparedWeightsFormat.ReadTable(handle) is { } table)
            {
                return table;
            }

            throw PreparedWeightsFormat.ReadHeading(handle) is { } heading && !PreparedWeightsFormat.IsKnown(heading.Version)
                ? new CheckpointException(
                    path, $"is of format version {heading.Version}, and this version of the library reads {PreparedWeightsFormat.Versions}: prepare the folder again from the original checkpoint")
                : Damaged(path);
        }
        catch (Exception error) when (CheckpointFile.IsFileFailure(error))
        {
            throw CheckpointFile.Unreadable(path, error);
        }
    }

    private static CheckpointException Foreign(string path) => new(
        path, $"does not belong to the {CheckpointFolder.Config} beside it, or another version of this library made it: prepare the folder again from the original checkpoint");

    private static CheckpointException Damaged(string path) => new(
        path, "is damaged: copy it again, or prepare the folder again from the original checkpoint");
}
