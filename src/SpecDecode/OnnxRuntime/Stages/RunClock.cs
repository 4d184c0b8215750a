using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Runs the sessions of all stages with the same options and adds up the time that they take.</summary>
internal sealed class RunClock : IDisposable
{
    private readonly RunOptions _options = new();

    /// <summary>Time inside sessions so far, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks { get; private set; }

    /// <summary>Runs a session.</summary>
    /// <exception cref="SpecDecodeException">It fails, for want of memory as a rule.</exception>
    public void Run(InferenceSession session, OrtIoBinding binding)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            session.RunWithBinding(_options, binding);
        }
        catch (OnnxRuntimeException error)
        {
            throw new SpecDecodeException(
                $"ONNX Runtime cannot run a stage of the model: {error.Message.Trim()} Free memory, or lower MaxRowsPerPass or MaxSequenceLength.", error);
        }

        Ticks += Stopwatch.GetTimestamp() - start;
    }

    /// <inheritdoc/>
    public void Dispose() => _options.Dispose();
}
