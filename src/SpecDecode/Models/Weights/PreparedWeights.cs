using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Models.Weights;

/// <summary>
/// A complete, verified prepared-weights file. Stage graphs name it as the external data of their initializers. Held open
/// while the model lives, so that its contents stay where it is deleted meanwhile.
/// </summary>
internal sealed class PreparedWeights : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, PreparedTensor> _tensors;

    internal PreparedWeights(string path, SafeFileHandle handle, IEnumerable<PreparedTensor> tensors)
    {
        Path = path;
        _handle = handle;
        _tensors = tensors.ToDictionary(tensor => tensor.Name);
    }

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>Bytes of all tensors, without padding.</summary>
    public long TensorBytes => _tensors.Values.Sum(tensor => tensor.TotalLength);

    /// <summary>What rows are rounded to where they are multiplied by quantised matrices.</summary>
    public ActivationPrecision Activations { get; set; }

    /// <summary>The tensor of that prepared name; every name in the description has one.</summary>
    public PreparedTensor this[string name] => _tensors[name];

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
