using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// The memory of a device for rows that stay there from stage to stage, and copies of them: a stage that hands rows on as they are, whose input and output lie on
/// either side.
/// </summary>
internal sealed class DeviceRows : IRowCopies, IDisposable
{
    private readonly ExecutionProvider _provider;
    private readonly InferenceSession _copy;
    private readonly OrtIoBinding _binding;
    private readonly RunOptions _options = new();
    private bool _isDisposed;

    /// <summary>Makes the stage that copies.</summary>
    /// <param name="type">What rows are made of.</param>
    /// <param name="provider">The device.</param>
    /// <param name="memory">Gives the device's memory, from a session that runs there.</param>
    public DeviceRows(ElementType type, ExecutionProvider provider, Func<InferenceSession, IBufferAllocator> memory)
    {
        _provider = provider;
        using SessionOptions options = SessionOptionsFor(provider);
        _copy = new InferenceSession(ProbeGraph.Rows(type), options);
        _binding = _copy.CreateIoBinding();
        Buffers = memory(_copy);
    }

    /// <summary>Options of sessions that move rows.</summary>
    internal static SessionOptions SessionOptionsFor(ExecutionProvider provider)
    {
        SessionOptions options = new()
        {
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL,
            IntraOpNumThreads = 1, InterOpNumThreads = 1,
        };
        provider.AddTo(options);
        return options;
    }

    /// <summary>The device's memory.</summary>
    public IBufferAllocator Buffers { get; }

    /// <summary>What moves rows between parts of a buffer there.</summary>
    /// <param name="all">The buffer.</param>
    /// <param name="maxRows">Most rows in a move.</param>
    public DeviceRowMoves CreateMoves(RowBuffer all, int maxRows) => new(all, maxRows, _provider);

    /// <inheritdoc/>
    public void Copy(OrtValue from, OrtValue to)
    {
        // Rows of the process are copied when they are bound, results for it when the stage has run.
        _binding.BindInput(ProbeGraph.Input, from);
        _binding.BindOutput(ProbeGraph.Output, to);
        try
        {
            _copy.RunWithBinding(_options, _binding);
        }
        catch (OnnxRuntimeException error)
        {
            throw new SpecDecodeException(string.Create(CultureInfo.InvariantCulture, $"Rows cannot be copied between process and device: {error.Message.Trim()}"), error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _binding.Dispose();
        (Buffers as IDisposable)?.Dispose();
        _copy.Dispose();
        _options.Dispose();
    }
}
