using SpecDecode.OnnxRuntime;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>What ONNX Runtime says where CUDA cannot be had becomes a sentence with the mend.</summary>
public sealed class CudaFailureTests
{
    private const string Bridge = "[ErrorCode:Fail] /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library ";

    [Theory]
    // As 1.31.1 (CPU) and 1.31.0 (GPU) said them on a machine without a device.
    [InlineData("[ErrorCode:Fail] CUDA execution provider is not enabled in this build.", "has no CUDA in it", "reference the package Microsoft.ML.OnnxRuntime.Gpu")]
    [InlineData(Bridge + "/app/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory\n", "libcublasLt.so.13 is not there, which belongs to CUDA 13", "install CUDA's runtime libraries in version 13")]
    // As the same library would say them elsewhere.
    [InlineData(Bridge + "/app/libonnxruntime_providers_cuda.so with error: libcuda.so.1: cannot open shared object file: No such file or directory\n", "libcuda.so.1 is not there, which NVIDIA's driver brings", "install the driver")]
    [InlineData(Bridge + "libonnxruntime_providers_cuda.so with error: /app/libonnxruntime_providers_cuda.so: cannot open shared object file: No such file or directory\n", "/app/libonnxruntime_providers_cuda.so is not beside ONNX Runtime's library", "publish the application with all files of the package")]
    [InlineData("Failed to load shared library: libonnxruntime_providers_shared.so with error: libonnxruntime_providers_shared.so: cannot open shared object file", "libonnxruntime_providers_shared.so is not beside", "publish the application with all files")]
    [InlineData("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0 ; hostname=box ; expr=cudaSetDevice(info_.device_id);", "driver is too old for CUDA 13", "install a driver of version 580")]
    [InlineData("CUDA failure 100: no CUDA-capable device is detected ; GPU=0 ; expr=cudaSetDevice(info_.device_id);", "finds no device", "see what nvidia-smi says")]
    [InlineData("CUDA failure 101: invalid device ordinal ; GPU=2 ; expr=cudaSetDevice(info_.device_id);", "there is no device 2", "give the number of one that nvidia-smi lists")]
    [InlineData("CUDA error cudaErrorNoKernelImageForDevice(209):no kernel image is available for execution on the device", "older than what this ONNX Runtime has code for", "use another device")]
    [InlineData("CUDA failure 2: out of memory ; GPU=2 ; expr=cudaMalloc((void**)&p, size);", "device 2 has too little free memory", "load a smaller model or one in int4")]
    [InlineData("BFCArena::AllocateRawInternal Available memory of 1048576 is smaller than requested bytes of 67108864", "too little free memory", "end what else uses it")]
    [InlineData("Something\n  new", "ONNX Runtime cannot use device 2: Something new", "or use cpu")]
    public void A_failure_is_told_with_its_mend(string message, string problem, string mend)
    {
        string said = CudaFailure.Explain(message, device: 2);

        Assert.Contains(problem, said, StringComparison.Ordinal);
        Assert.Contains(mend, said, StringComparison.Ordinal);
        Assert.Contains("cpu.", said, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', said);
    }
}
