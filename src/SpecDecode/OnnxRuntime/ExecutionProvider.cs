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
        Check(options);
        return new ExecutionProvider(new CpuBufferAllocator());
    }

    /// <summary>Whether the options name a provider that models run on; asked before anything is read or made for it.</summary>
    /// <param name="options">Name and device.</param>
    /// <exception cref="SpecDecodeException">They do not.</exception>
    public static void Check(RuntimeOptions options)
    {
        OptionName provider = OptionName.OfRuntime(nameof(options.ExecutionProvider));
        switch (options.ExecutionProvider.ToLowerInvariant())
        {
            case "cpu" when options.DeviceId == 0:
                return;
            case "cpu":
                throw new OptionException($"{OptionName.OfRuntime(nameof(options.DeviceId))} is {options.DeviceId}, but the execution provider 'cpu' has only device 0.");
            case "cuda":
                // Whatever packages and hardware there are.
                throw new OptionException(
                    $"{provider} is 'cuda', on which this version of SpecDecode runs no model, with any package of ONNX Runtime: it computes in 32-bit floats, and ONNX Runtime's attention kernel for CUDA takes 16-bit floats only. Use cpu.");
            default:
                throw new OptionException($"{provider}: '{options.ExecutionProvider}' is unknown: use cpu or cuda.");
        }
    }
}
