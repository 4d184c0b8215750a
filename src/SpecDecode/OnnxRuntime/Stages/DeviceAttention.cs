using SpecDecode.Descriptions;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Whether attention of a model can run on a CUDA device.</summary>
internal static class DeviceAttention
{
    // Of CUDA's flash attention, the one kernel that takes windows and soft-caps alike.
    private const int MostHeadSize = 256;

    // Threads of a block of CUDA, each of which takes a head.
    private const int MostHeads = 1024;

    /// <summary>Whether it is to run there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">The provider, and what is asked for.</param>
    /// <param name="warn">Told where nothing is asked for and it runs on the CPU.</param>
    /// <exception cref="OptionException">It is asked for, and cannot be had.</exception>
    public static bool IsWanted(DecoderDescription model, RuntimeOptions options, Action<string> warn)
    {
        if (!ExecutionProvider.IsOnDevice(options) || options.DeviceAttention == false || FindProblem(model, options) is not { } problem)
        {
            return ExecutionProvider.IsOnDevice(options) && options.DeviceAttention != false;
        }

        OptionName option = OptionName.OfRuntime(nameof(options.DeviceAttention));
        if (options.DeviceAttention == true)
        {
            throw new OptionException($"{option} is true, but {problem} Or leave {option} out: attention then runs on the CPU.");
        }

        warn($"Attention runs on the CPU, and in each layer its rows are copied: {problem}");
        return false;
    }

    /// <summary>Checks whether runs can be captured, where that is asked for.</summary>
    /// <param name="attendsOnDevice">Whether attention runs on the device, so that the rows of blocks stay there.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="OptionException">They cannot.</exception>
    public static void CheckGraphs(bool attendsOnDevice, RuntimeOptions options)
    {
        if (options.CudaGraphs && !attendsOnDevice)
        {
            OptionName graphs = OptionName.OfRuntime(nameof(options.CudaGraphs));
            throw new OptionException(
                $"{graphs} is true, but attention runs on the CPU, so that rows of each layer are copied in, which cannot be captured: have attention run on the device ({OptionName.OfRuntime(nameof(options.DeviceAttention))}, with {nameof(ComputePrecision.Fp16)} or {nameof(ComputePrecision.Bf16)} as {OptionName.OfRuntime(nameof(options.ComputePrecision))}), or leave {graphs} out.");
        }
    }

    /// <summary>Checks whether segments can run there, where that is asked for.</summary>
    /// <param name="model">The model.</param>
    /// <param name="attendsOnDevice">Whether attention runs on the device, so that there is nothing between blocks.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="OptionException">They cannot.</exception>
    public static void CheckSegments(DecoderDescription model, bool attendsOnDevice, RuntimeOptions options)
    {
        OptionName segments = OptionName.OfRuntime(nameof(options.DeviceSegments));
        if (options.DeviceSegments && !attendsOnDevice)
        {
            throw new OptionException(
                $"{segments} is true, but attention runs on the CPU, so that blocks cannot be one call of the device: have attention run there ({OptionName.OfRuntime(nameof(options.DeviceAttention))}, with {nameof(ComputePrecision.Fp16)} or {nameof(ComputePrecision.Bf16)} as {OptionName.OfRuntime(nameof(options.ComputePrecision))}), or leave {segments} out.");
        }

        if (options.DeviceSegments && model.Layers.Any(layer => layer.IsParallel))
        {
            throw new OptionException(
                $"{segments} is true, but layers of this model ({model.Family}) are parallel, so that more than the residual goes from block to block: leave {segments} out.");
        }
    }

    /// <summary>Why attention of the model cannot run there, and what to do; null where it can.</summary>
    internal static string? FindProblem(DecoderDescription model, RuntimeOptions options)
    {
        OptionName compute = OptionName.OfRuntime(nameof(options.ComputePrecision));
        OptionName stored = OptionName.OfRuntime(nameof(options.KvPrecision));
        AttendDescription[] attends = [.. model.Layers.Select(layer => layer.Attention.Attend)];
        return model.ElementType == ElementType.Float32
            ? $"CUDA's attention has kernels for 16 bits alone, and {compute} is {options.ComputePrecision}: give {nameof(ComputePrecision.Fp16)} or {nameof(ComputePrecision.Bf16)}."
            : options.KvPrecision is KvPrecision.Int8 || (options.KvPrecision is KvPrecision.Fp16 && model.ElementType != ElementType.Float16)
            ? $"keys and values on a device are stored in what the stages compute in, {options.ComputePrecision}, and {stored} is {options.KvPrecision}: leave {stored} out."
            : attends.FirstOrDefault(attend => attend.HeadSize > MostHeadSize) is { } wide
            ? $"CUDA's attention takes heads of at most {MostHeadSize} channels, and those of this model ({model.Family}) have {wide.HeadSize}."
            : attends.FirstOrDefault(attend => attend.QueryHeads > MostHeads) is { } many
            ? $"CUDA's attention takes at most {MostHeads} heads, and this model ({model.Family}) has {many.QueryHeads}."
            : null;
    }
}
