using SpecDecode.Generation;

namespace SpecDecode.GpuCheck;

/// <summary>What is checked: models on a provider.</summary>
/// <param name="provider">The provider's name.</param>
/// <param name="device">The device's number.</param>
/// <param name="cache">Folder for prepared weights.</param>
internal sealed class Subject(string provider, int device, string cache)
{
    public string Provider => provider;

    public int Device => device;

    public TextModel Load(string folder, Setup setup, Precision? draft = null, int? memory = null) => TextModel.Load(
        folder,
        new ModelOptions { CacheFolder = cache, DraftPrecision = draft },
        new RuntimeOptions
        {
            ExecutionProvider = provider, DeviceId = device, ComputePrecision = setup.Compute, DeviceAttention = setup.Attention, CudaGraphs = setup.Graphs,
            DeviceSegments = setup.Segments, DeviceMemoryMegabytes = memory, PrefixCache = 0,
        });
}
