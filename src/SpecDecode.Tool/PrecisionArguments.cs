using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary>The options that say in which precision a model is stored and run.</summary>
internal sealed class PrecisionArguments
{
    private const string Float32 = "fp32";
    private const string Int8 = "int8";

    private static readonly string[] Words = [.. Enum.GetValues<Precision>().Select(Name)];

    private readonly Option<string?> _precision = new("--precision")
    {
        Description = "What matrices are stored as: by default as in the checkpoint (stored), or what a prepared folder holds.",
    };

    private readonly Option<string?> _headPrecision = new("--head-precision")
    {
        Description = "The same for the LM head, and the embedding where it is tied to it; by default int8 with int8 and int4, else the same.",
    };

    private readonly Option<int?> _blockSize = NumberOption.Optional(
        "--block-size", "N", "Weights that share a scale: 16, 32, 64, 128 or 256; by default 32.", max: 256);

    private readonly Option<string?> _activations = new("--activations")
    {
        Description = "What rows are rounded to where matrices are quantised: int8 (the default), or fp32, which is slower.",
    };

    private readonly Option<string?> _kernels = new("--kernels")
    {
        Description = "Whose code multiplies by matrices: own, by default where this processor is known, or onnxruntime.",
    };

    private readonly Option<string?> _weightMemory = new("--weight-memory")
    {
        Description = "Where weights lie: mapped (the default), or largepages, a copy in large pages.",
    };

    private readonly bool _loads;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="loads">Whether it runs the model, so that activations matter.</param>
    public PrecisionArguments(Command command, bool loads)
    {
        _loads = loads;
        _precision.AcceptWords(Words);
        _headPrecision.AcceptWords(Words);
        _kernels.AcceptWords([.. Enum.GetNames<KernelChoice>().Select(name => name.ToLowerInvariant())]);
        _weightMemory.AcceptWords([.. Enum.GetNames<WeightMemory>().Select(name => name.ToLowerInvariant())]);
        _activations.AcceptWords(Float32, Int8);
        command.Options.Add(_precision);
        command.Options.Add(_headPrecision);
        command.Options.Add(_blockSize);
        command.Options.Add(_kernels);
        if (loads)
        {
            command.Options.Add(_activations);
            command.Options.Add(_weightMemory);
        }
    }

    /// <summary>What the options ask for.</summary>
    public ModelOptions Read(ParseResult arguments, string? cacheFolder) => new()
    {
        CacheFolder = cacheFolder,
        Precision = PrecisionOf(arguments.GetValue(_precision)),
        HeadPrecision = PrecisionOf(arguments.GetValue(_headPrecision)),
        BlockSize = arguments.GetValue(_blockSize),
        Activations = _loads && Float32.Equals(arguments.GetValue(_activations), StringComparison.OrdinalIgnoreCase) ? ActivationPrecision.Fp32 : ActivationPrecision.Int8,
        Kernels = arguments.GetValue(_kernels) is { } kernels ? Enum.Parse<KernelChoice>(kernels, ignoreCase: true) : null,
        WeightMemory = _loads && arguments.GetValue(_weightMemory) is { } memory ? Enum.Parse<WeightMemory>(memory, ignoreCase: true) : WeightMemory.Mapped,
    };

    /// <summary>Refuses rounding of rows where nothing is quantised, which it would have no effect on.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="model">The option of the model's folder; a prepared one says its precision itself.</param>
    /// <param name="draftPrecision">The precision of a copy of the weights to draft with; null for none.</param>
    /// <exception cref="SpecDecodeException">It would have none.</exception>
    public void CheckActivations(ParseResult arguments, Option<string> model, Precision? draftPrecision)
    {
        bool isQuantized = PrecisionOf(arguments.GetValue(_precision)) is Precision.Int8 or Precision.Int4
            || PrecisionOf(arguments.GetValue(_headPrecision)) is Precision.Int8 or Precision.Int4 || draftPrecision is not null;
        if (arguments.GetResult(_activations) is not null && !isQuantized && !File.Exists(Path.Combine(arguments.GetValue(model)!, "specdecode.weights")))
        {
            throw new SpecDecodeException("--activations has no effect where nothing is quantised: leave it out, or give --precision int8 or int4.");
        }
    }

    /// <summary>A precision as the command line names it.</summary>
    public static string Name(Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The precision that the command line names; null for none.</summary>
    public static Precision? PrecisionOf(string? name) => name is null ? null : Enum.Parse<Precision>(name, ignoreCase: true);
}
