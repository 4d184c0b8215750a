using Microsoft.Win32.SafeHandles;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>
/// A complete, verified prepared-weights file. Stage graphs name it as the external data of their initializers. Held open
/// while the model lives, so that its contents stay where it is deleted meanwhile.
/// </summary>
internal sealed class PreparedWeights : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly long _length;
    private readonly Dictionary<string, PreparedTensor> _tensors;
    private readonly Lock _gate = new();
    private WeightImage? _image;

    internal PreparedWeights(string path, SafeFileHandle handle, IEnumerable<PreparedTensor> tensors)
    {
        Path = path;
        _handle = handle;
        _length = RandomAccess.GetLength(handle);
        _tensors = tensors.ToDictionary(tensor => tensor.Name);
    }

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>The hash of the checkpoint's content and of how it is laid out: no other weights have it.</summary>
    public string Key { get; init; } = "";

    /// <summary>The fingerprint of the checkpoint that they were made of, as the file's table has it; null where nobody read that.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Bytes of all tensors, without padding.</summary>
    public long TensorBytes => _tensors.Values.Sum(tensor => tensor.TotalLength);

    /// <summary>What rows are rounded to where they are multiplied by quantised matrices.</summary>
    public ActivationPrecision Activations { get; set; }

    /// <summary>Where the weights lie that kernels read.</summary>
    public WeightMemory Memory { get; set; }

    /// <summary>Whether matrices lie in panels, for the kernels of this library.</summary>
    public bool IsInPanels => _tensors.Values.Any(tensor => tensor.Format.Layout == TensorLayout.Panels);

    /// <summary>The tensor of that prepared name; every name in the description has one.</summary>
    public PreparedTensor this[string name] => _tensors[name];

    /// <summary>Where a tensor lies in memory; valid until this is disposed. Nothing is in memory before this is asked for the first time.</summary>
    /// <exception cref="SpecDecodeException">The file cannot be mapped or read, or there is no memory for a copy.</exception>
    public unsafe byte* Address(PreparedTensor tensor)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            _image ??= WeightImage.Open(_handle, Path, _length, Memory);
            return _image.Start + tensor.Offset;
        }
    }

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

    /// <summary>
    /// Asks the system once whether the file is still as long as it was when it was opened; allocates nothing. To be called before what
    /// is mapped of it is read: the system ends a process that reads behind the end of a mapped file. A file that is cut while a model rests is an error so; one that is cut in the middle of a pass is
    /// not noticed in time.
    /// </summary>
    /// <exception cref="SpecDecodeException">It has become shorter, or cannot be asked.</exception>
    public void CheckLength()
    {
        if (Memory != WeightMemory.Mapped)
        {
            return;
        }

        long length;
        try
        {
            length = RandomAccess.GetLength(_handle);
        }
        catch (IOException error)
        {
            throw Unreadable(error.Message, error);
        }

        if (length < _length)
        {
            throw Unreadable($"It had {_length} bytes when it was loaded and has {length} now.", null);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _image?.Dispose();
            _image = null;
            _handle.Dispose();
        }
    }

    private SpecDecodeException Unreadable(string why, Exception? error) =>
        new($"The file of weights {Path} cannot be read any more: {why} It must stay as it is while the model is loaded; load the model again.", error);
}
