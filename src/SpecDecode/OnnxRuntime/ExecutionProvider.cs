using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime;

/// <summary>Where the stages that multiply run: chosen by name, refused clearly where it cannot be had.</summary>
internal sealed class ExecutionProvider
{
    private const string Cuda = "cuda";

    private readonly Action<SessionOptions> _addTo;
    private readonly Action<SessionOptions>? _addCapturingTo;

    /// <summary>Describes a provider.</summary>
    /// <param name="buffers">Where buffers in the process's memory come from.</param>
    /// <param name="deviceMemory">Gives its own memory, from a session that runs on it; null where it has none.</param>
    /// <param name="addTo">Adds it to a session's options.</param>
    /// <param name="addCapturingTo">The same for a session whose runs it captures and plays back; null where none is.</param>
    internal ExecutionProvider(
        IBufferAllocator buffers, Func<InferenceSession, IBufferAllocator>? deviceMemory, Action<SessionOptions> addTo, Action<SessionOptions>? addCapturingTo = null)
    {
        Buffers = buffers;
        DeviceMemory = deviceMemory;
        _addTo = addTo;
        _addCapturingTo = addCapturingTo;
    }

    /// <summary>The processor, in the process's own memory.</summary>
    public static ExecutionProvider Cpu { get; } = new(new CpuBufferAllocator(), deviceMemory: null, _ => { });

    /// <summary>The allocator for buffers in the process's memory.</summary>
    public IBufferAllocator Buffers { get; }

    /// <summary>Gives the provider's own memory, from a session that runs on it; null where it has none.</summary>
    public Func<InferenceSession, IBufferAllocator>? DeviceMemory { get; }

    /// <summary>
    /// Whether it has memory of its own. Then ONNX Runtime copies rows of the process there when they are bound, and results for it back when a stage has run; and nodes
    /// compute in the element type of the stages, for which it has kernels.
    /// </summary>
    public bool IsDevice => DeviceMemory is not null;

    /// <summary>Whether runs of sessions that are given it by <see cref="AddCapturingTo"/> are captured and played back.</summary>
    public bool CapturesRuns => _addCapturingTo is not null;

    /// <summary>The provider that the options name.</summary>
    /// <param name="options">Name and device.</param>
    /// <param name="environment">The environment, which must be there first: asking for a provider would make another one.</param>
    /// <exception cref="SpecDecodeException">It is unknown, or not available in this process.</exception>
    public static ExecutionProvider Get(RuntimeOptions options, RuntimeEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        Check(options);
        if (!IsOnDevice(options))
        {
            return Cpu;
        }

        ExecutionProvider cuda = new(
            Cpu.Buffers,
            session => new DeviceBufferAllocator(session, new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, options.DeviceId, OrtMemType.Default)),
            session => AddCuda(session, options, captures: false), options.CudaGraphs ? session => AddCuda(session, options, captures: true) : null);
        try
        {
            // What driver and device have to say they say to the first session.
            using SessionOptions session = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            cuda.AddTo(session);
            using InferenceSession probe = new(ProbeGraph.Build(), session);
            return cuda;
        }
        catch (OnnxRuntimeException error)
        {
            throw new OptionException($"{Provider} is '{Cuda}', but {CudaFailure.Explain(error.Message, options.DeviceId)}", error);
        }
    }

    /// <summary>Whether the options name a provider that models run on; asked before anything is read or made for it.</summary>
    /// <param name="options">Name and device.</param>
    /// <exception cref="SpecDecodeException">They do not.</exception>
    public static void Check(RuntimeOptions options)
    {
        OptionName device = OptionName.OfRuntime(nameof(options.DeviceId));
        OptionName tf32 = OptionName.OfRuntime(nameof(options.Tf32));
        switch (options.ExecutionProvider.ToLowerInvariant())
        {
            case "cpu" when options.DeviceId != 0:
                throw new OptionException($"{device} is {options.DeviceId}, but the execution provider 'cpu' has only device 0.");
            case "cpu" when options.Tf32:
                throw new OptionException($"{tf32} is true, but the execution provider 'cpu' knows no TF32: leave it out, or use cuda.");
            case "cpu" when options.DeviceAttention is not null:
                throw new OptionException(
                    $"{OptionName.OfRuntime(nameof(options.DeviceAttention))} is {(options.DeviceAttention.Value ? "true" : "false")}, but the execution provider 'cpu' is no device: leave it out, or use cuda.");
            case "cpu" when options.DeviceMemoryMegabytes is not null:
                throw new OptionException(
                    $"{OptionName.OfRuntime(nameof(options.DeviceMemoryMegabytes))} is {options.DeviceMemoryMegabytes}, but the execution provider 'cpu' is no device: leave it out, or use cuda.");
            case "cpu" when options.CudaGraphs:
                throw new OptionException($"{OptionName.OfRuntime(nameof(options.CudaGraphs))} is true, but the execution provider 'cpu' has none: leave it out, or use cuda.");
            case "cpu" when options.DeviceSegments:
                throw new OptionException(
                    $"{OptionName.OfRuntime(nameof(options.DeviceSegments))} is true, but the execution provider 'cpu' is no device, and has segments without it: leave it out, or use cuda.");
            case Cuda when options.DeviceId < 0:
                throw new OptionException($"{device} is {options.DeviceId}: give 0 or more, or use cpu.");
            case Cuda when options.Tf32 && options.ComputePrecision != ComputePrecision.Fp32:
                throw new OptionException(
                    $"{tf32} is true, but {OptionName.OfRuntime(nameof(options.ComputePrecision))} is {options.ComputePrecision}, in which there is no 32-bit product to shorten: leave one of them out.");
            case "cpu" or Cuda:
                return;
            default:
                throw new OptionException($"{Provider}: '{options.ExecutionProvider}' is unknown: use cpu or cuda.");
        }
    }

    /// <summary>Whether the options name a provider with memory of its own.</summary>
    public static bool IsOnDevice(RuntimeOptions options) => Cuda.Equals(options.ExecutionProvider, StringComparison.OrdinalIgnoreCase);

    /// <summary>Has sessions with these options run on it what it has kernels for, and the rest on the CPU.</summary>
    public void AddTo(SessionOptions session) => _addTo(session);

    /// <summary>The same for a session that reads and writes the device's memory alone, in few shapes, whose runs are captured where that is asked for.</summary>
    public void AddCapturingTo(SessionOptions session) => (_addCapturingTo ?? _addTo)(session);

    private static OptionName Provider => OptionName.OfRuntime(nameof(RuntimeOptions.ExecutionProvider));

    private static void AddCuda(SessionOptions session, RuntimeOptions options, bool captures)
    {
        using OrtCUDAProviderOptions cuda = new();
        cuda.UpdateOptions(CudaOptions(options, captures));
        session.AppendExecutionProvider_CUDA(cuda);
    }

    /// <summary>What ONNX Runtime's CUDA provider is told.</summary>
    /// <param name="options">Device and limits.</param>
    /// <param name="captures">Whether runs of the session are captured.</param>
    internal static Dictionary<string, string> CudaOptions(RuntimeOptions options, bool captures)
    {
        Dictionary<string, string> cuda = new()
        {
            ["device_id"] = options.DeviceId.ToString(CultureInfo.InvariantCulture),
            ["use_tf32"] = options.Tf32 ? "1" : "0",
            // No stage has a node that would need it, and its library is not part of CUDA.
            ["enable_cudnn"] = "0",
            ["arena_extend_strategy"] = "kSameAsRequested",
            ["enable_cuda_graph"] = captures ? "1" : "0",
        };
        if (options.DeviceMemoryMegabytes is { } megabytes)
        {
            cuda["gpu_mem_limit"] = ((long)megabytes << 20).ToString(CultureInfo.InvariantCulture);
        }

        return cuda;
    }
}
