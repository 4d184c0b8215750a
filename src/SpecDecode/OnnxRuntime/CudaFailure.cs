using System.Text.RegularExpressions;

namespace SpecDecode.OnnxRuntime;

/// <summary>What ONNX Runtime says where CUDA cannot be had, as the end of a sentence with the mend.</summary>
internal static partial class CudaFailure
{
    // The package's library for CUDA 13, by the start of whose name its absence is known from that of what it needs.
    private const string ProviderLibrary = "onnxruntime_providers_cuda";

    /// <summary>Explains a failure.</summary>
    /// <param name="message">What ONNX Runtime says.</param>
    /// <param name="device">The device that was asked for.</param>
    /// <returns>What is wrong, and what helps.</returns>
    public static string Explain(string message, int device)
    {
        if (Says("not enabled in this build"))
        {
            return "the application's native ONNX Runtime has no CUDA in it: reference the package Microsoft.ML.OnnxRuntime.Gpu in place of Microsoft.ML.OnnxRuntime, or use cpu.";
        }

        if (MissingLibrary().Match(message) is { Success: true } missing)
        {
            string library = missing.Groups["file"].Value;
            return library.Contains(ProviderLibrary, StringComparison.Ordinal) || library.Contains("onnxruntime_providers_shared", StringComparison.Ordinal)
                ? $"{library} is not beside ONNX Runtime's library: publish the application with all files of the package Microsoft.ML.OnnxRuntime.Gpu, or use cpu."
                : library.StartsWith("libcuda.", StringComparison.Ordinal)
                    ? $"{library} is not there, which NVIDIA's driver brings: install the driver (in a container, run it with NVIDIA's runtime), or use cpu."
                    : $"{library} is not there, which belongs to CUDA 13: install CUDA's runtime libraries in version 13 where the loader finds them (LD_LIBRARY_PATH), or use cpu.";
        }

        if (Number().Match(message) is { Success: true } number)
        {
            switch (number.Groups["code"].Value)
            {
                case "2":
                    return OutOfMemory(device);
                case "34" or "35" or "803":
                    return "NVIDIA's driver is too old for CUDA 13: install a driver of version 580 or later, or use cpu.";
                case "38" or "100":
                    return "NVIDIA's driver finds no device: see what nvidia-smi says (a container must be given the device), or use cpu.";
                case "10" or "101":
                    return $"there is no device {device}: give the number of one that nvidia-smi lists, counted from 0 among those of CUDA_VISIBLE_DEVICES, or use cpu.";
                case "209" or "222":
                    return $"device {device} is older than what this ONNX Runtime has code for: use another device, or cpu.";
                default:
                    break;
            }
        }

        return Says("Failed to allocate memory") || Says("out of memory") || Says("smaller than requested bytes")
            ? OutOfMemory(device)
            : $"ONNX Runtime cannot use device {device}: {Line().Replace(message.Trim(), " ")} Mend that, or use cpu.";

        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    private static string OutOfMemory(int device) =>
        $"device {device} has too little free memory: end what else uses it (nvidia-smi lists it), load a smaller model or one in int4 (or fewer copies of it), or use cpu.";

    // As the loaders of Linux and Windows put it; the library that is loaded is named too, and the one that is missing last.
    [GeneratedRegex(@"(?:error: |Error loading ""?|depends on ""?)(?<file>[^\s"":]+?(?:\.so(?:\.\d+)*|\.dll))""?(?=[:\s"" ]|$)(?!.*(?:error: |depends on ""?)[^\s"":]+?(?:\.so|\.dll))", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex MissingLibrary();

    // "CUDA failure 35: CUDA driver version is insufficient …", "CUDA error 2", "cudaErrorMemoryAllocation(2)".
    [GeneratedRegex(@"(?:CUDA (?:failure|error) |cudaError\w*\()(?<code>\d+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Line();
}
