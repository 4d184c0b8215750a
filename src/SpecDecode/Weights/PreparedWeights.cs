using Microsoft.Win32.SafeHandles;

namespace SpecDecode.Weights;

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

    /// <summary>Reads bytes of the file. Safe from several threads.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="bytes">Filled.</param>
    /// <exception cref="SpecDecodeException">The file cannot be read, or has become shorter.</exception>
    public void Read(long offset, Span<byte> bytes)
    {
        try
        {
            if (!PreparedWeightsFormat.ReadExactly(_handle, bytes, offset))
            {
                throw Unreadable($"It ends before byte {offset + bytes.Length}.", null);
            }
        }
        catch (IOException error)
        {
            throw Unreadable(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private SpecDecodeException Unreadable(string why, Exception? error) =>
        new($"The file of weights {Path} cannot be read any more: {why} It must stay as it is while the model is loaded; load the model again.", error);
}
