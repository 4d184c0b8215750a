using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Generation;

namespace SpecDecode.Tool;

/// <summary>The options that every command about a model has, and loading by them.</summary>
internal sealed class ModelArguments
{
    private readonly Option<string> _model = new("--model")
    {
        Description = "Folder with config.json, model.safetensors (or shards with an index) and tokenizer.json.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<int?> _threads = NumberOption.Optional("--threads", "N", "Threads that compute; by default one per physical core.");

    private readonly Option<string?> _executionProvider = new("--execution-provider")
    {
        Description = "Where products run: cpu (the default), or cuda, for which the command must be built with OnnxRuntimeFlavor=Gpu.",
    };

    private readonly Option<int?> _deviceId = NumberOption.Optional("--device-id", "N", "Device number for cuda, from 0; by default 0.", min: 0);

    private readonly Option<string?> _deviceAttention = new("--device-attention")
    {
        Description = "Whether attention runs on cuda too: on or off; by default where it can be had.",
    };

    private readonly Option<int?> _deviceMemory = NumberOption.Optional("--device-memory", "MB", "Most memory of the device for rows, keys and values, and for the scratch memory of each stage; by default no limit.");

    private readonly Option<bool> _cudaGraphs = new("--cuda-graphs")
    {
        Description = "Have blocks in shapes that come again captured as CUDA graphs; needs attention on the device.",
    };

    private readonly Option<bool> _deviceSegments = new("--device-segments")
    {
        Description = "Have blocks that run together be one call of the device for a single text, with their weights once more there; needs attention on the device.",
    };

    private const string On = "on";
    private const string Off = "off";

    private readonly Option<string?> _kvPrecision = new("--kv-precision")
    {
        Description = "What keys and values are stored as: fp32 (the default), fp16 or int8.",
    };

    private readonly Option<string?> _computePrecision = new("--compute-precision")
    {
        Description = "What stages hand on to each other (residual, logits): fp32 (the default), fp16 or bf16.",
    };

    private readonly Option<string?> _prefixCache = new("--prefix-cache")
    {
        Description = "Whether keys and values are kept for prompts that begin as others did: on or off; by default on, in bench off.",
    };

    private readonly Option<string?> _cacheFolder = new("--cache-folder")
    {
        Description = "Folder for prepared weights; by default 'specdecode' in the user's cache directory.",
        HelpName = "DIR",
    };

    private readonly Option<bool> _verify = VerifyOption.Create();

    private readonly PrecisionArguments _precision;
    private readonly bool _keepsPrefixes;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="generates">Whether it writes texts, so that prompts may begin alike.</param>
    /// <param name="keepsPrefixes">Whether keys and values are kept for prompts that do, where nothing is said.</param>
    public ModelArguments(Command command, bool generates = false, bool keepsPrefixes = false)
    {
        _keepsPrefixes = keepsPrefixes;
        command.Options.Add(_model);
        command.Options.Add(_threads);
        _executionProvider.AcceptWords("cpu", "cuda");
        command.Options.Add(_executionProvider);
        command.Options.Add(_deviceId);
        _deviceAttention.AcceptWords(On, Off);
        command.Options.Add(_deviceAttention);
        command.Options.Add(_deviceMemory);
        command.Options.Add(_cudaGraphs);
        command.Options.Add(_deviceSegments);
        _kvPrecision.AcceptWords([.. Enum.GetNames<KvPrecision>().Select(name => name.ToLowerInvariant())]);
        _prefixCache.AcceptWords(On, Off);
        command.Options.Add(_kvPrecision);
        _computePrecision.AcceptWords([.. Enum.GetNames<ComputePrecision>().Select(name => name.ToLowerInvariant())]);
        command.Options.Add(_computePrecision);
        if (generates)
        {
            command.Options.Add(_prefixCache);
        }

        command.Options.Add(_cacheFolder);
        _precision = new PrecisionArguments(command, loads: true);
        command.Options.Add(_verify);
    }

    /// <summary>Says that the model is missing, for commands that find other mistakes before the parser finds that.</summary>
    public void Require(CommandResult result)
    {
        if (result.GetResult(_model) is null)
        {
            result.AddError("Option '--model' is required.");
        }
    }

    /// <summary>The model's folder.</summary>
    public string Folder(ParseResult arguments) => arguments.GetValue(_model)!;

    /// <summary>How the model is loaded, as far as that changes what it says, in words.</summary>
    public string Mark(ParseResult arguments)
    {
        ModelOptions options = _precision.Read(arguments, cacheFolder: null);
        string mark = FormattableString.Invariant($"{options.Precision} {options.HeadPrecision} {options.BlockSize} {options.Activations} {options.Kernels}");
        mark = KvPrecisionOf(arguments) is KvPrecision.Fp32 ? mark : $"{mark} {KvPrecisionOf(arguments)}";
        return ComputePrecisionOf(arguments) is ComputePrecision.Fp32 ? mark : $"{mark} computed in {ComputePrecisionOf(arguments)}";
    }

    /// <summary>Loads the model; progress and warnings go to <paramref name="error"/>.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="error">Where they go.</param>
    /// <param name="isQuiet">Whether to leave progress out.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <param name="sequences">How many sequences are worked on at the same time; null for the default.</param>
    /// <param name="draft">What it loads for drafts; null where the command does not draft.</param>
    /// <param name="draftPrecision">The precision of a copy of the weights to draft with, where there is nothing else to say about drafts.</param>
    public TextModel Load(
        ParseResult arguments, TextWriter error, bool isQuiet, CancellationToken cancellationToken, int? sequences = null, DraftArguments? draft = null,
        Precision? draftPrecision = null)
    {
        _precision.CheckActivations(arguments, _model, draft?.WeightPrecision(arguments) ?? draft?.HeadPrecision(arguments) ?? draftPrecision);
        ModelOptions options = _precision.Read(arguments, arguments.GetValue(_cacheFolder));
        options.DraftPrecision = draftPrecision;
        draft?.Set(arguments, options);
        options.VerifyWeights = arguments.GetValue(_verify);
        LoadProgressLine? progress = isQuiet ? null : new(error, TimeProvider.System);
        TextModel model = TextModel.Load(
            arguments.GetValue(_model)!,
            options,
            RuntimeOptions(arguments, sequences),
            progress,
            cancellationToken);
        foreach (string warning in model.Warnings)
        {
            error.WriteLine($"specdecode: warning: {warning}");
        }

        return model;
    }

    private KvPrecision KvPrecisionOf(ParseResult arguments) =>
        arguments.GetValue(_kvPrecision) is { } precision ? Enum.Parse<KvPrecision>(precision, ignoreCase: true) : KvPrecision.Fp32;

    private ComputePrecision ComputePrecisionOf(ParseResult arguments) =>
        arguments.GetValue(_computePrecision) is { } precision ? Enum.Parse<ComputePrecision>(precision, ignoreCase: true) : ComputePrecision.Fp32;

    private RuntimeOptions RuntimeOptions(ParseResult arguments, int? sequences)
    {
        RuntimeOptions runtime = new() { Threads = arguments.GetValue(_threads) };
        runtime.ExecutionProvider = arguments.GetValue(_executionProvider) ?? runtime.ExecutionProvider;
        runtime.DeviceId = arguments.GetValue(_deviceId) ?? runtime.DeviceId;
        runtime.DeviceAttention = arguments.GetValue(_deviceAttention) is { } attention ? On.Equals(attention, StringComparison.OrdinalIgnoreCase) : null;
        runtime.DeviceMemoryMegabytes = arguments.GetValue(_deviceMemory);
        runtime.CudaGraphs = arguments.GetValue(_cudaGraphs);
        runtime.DeviceSegments = arguments.GetValue(_deviceSegments);
        runtime.KvPrecision = KvPrecisionOf(arguments);
        runtime.ComputePrecision = ComputePrecisionOf(arguments);
        if (arguments.GetValue(_prefixCache) is { } word ? Off.Equals(word, StringComparison.OrdinalIgnoreCase) : !_keepsPrefixes)
        {
            runtime.PrefixCache = 0;
        }

        runtime.MaxSequences = sequences ?? runtime.MaxSequences;
        return runtime;
    }
}
