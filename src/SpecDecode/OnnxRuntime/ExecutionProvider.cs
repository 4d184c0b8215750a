using Microsoft.ML.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime;

/// <summary>Where stages run: chosen by name, refused clearly where it cannot be had.</summary>
internal sealed class ExecutionProvider
{
    private ExecutionProvider(IBufferAllocator buffers) => Buffers = buffers;

    /// <summary>The allocator for buffers that stages are bound to.</summary>
    public IBufferAllocator Buffers { get; }

    /// <summary>The provider that the options name.</summary>
    /// <param name="options">Name and device.</param>
    /// <param name="environment">The environment, which must be there first: asking for a provider would make another one.</param>
    /// <exception cref="SpecDecodeException">It is unknown, or not available in this process.</exception>
    public static ExecutionProvider Get(RuntimeOptions options, RuntimeEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return options.ExecutionProvider.ToLowerInvariant() switch
        {
            "cpu" when options.DeviceId == 0 => new ExecutionProvider(new CpuBufferAllocator()),
            "cpu" => throw new SpecDecodeException($"DeviceId is {options.DeviceId}, but the execution provider 'cpu' has only device 0."),
            "cuda" => throw Cuda(options.DeviceId),
            _ => throw new SpecDecodeException($"The execution provider '{options.ExecutionProvider}' is unknown: use cpu or cuda."),
        };
    }

    // Each reason in the order in which a user can do something about it.
    private static SpecDecodeException Cuda(int deviceId)
    {
        const string Provider = "CUDAExecutionProvider";
        if (!OrtEnv.Instance().GetAvailableProviders().Contains(Provider))
        {
            return new SpecDecodeException(
                "The execution provider 'cuda' is not in this build of ONNX Runtime: build the application with -p:OnnxRuntimeFlavor=Gpu (package Microsoft.ML.OnnxRuntime.Gpu), or use cpu.");
        }

        try
        {
            using SessionOptions options = new();
            options.AppendExecutionProvider_CUDA(deviceId);
            using InferenceSession probe = new(ProbeGraph.Build(), options);
        }
        catch (OnnxRuntimeException error)
        {
            return new SpecDecodeException(
                $"The execution provider 'cuda' finds no usable device {deviceId} ({error.Message.Trim()}): install the CUDA libraries that ONNX Runtime asks for, choose another DeviceId, or use cpu.", error);
        }

        return new SpecDecodeException(
            "The execution provider 'cuda' is there, but its attention kernel takes only 16-bit floats and this version computes in 32 bits: use cpu.");
    }
}
