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
            "cuda" => throw new SpecDecodeException(
                "The execution provider 'cuda' cannot run this version's stages: its attention kernel takes 16-bit floats only, and they compute in 32 bits. Use cpu."),
            _ => throw new SpecDecodeException($"The execution provider '{options.ExecutionProvider}' is unknown: use cpu or cuda."),
        };
    }
}
