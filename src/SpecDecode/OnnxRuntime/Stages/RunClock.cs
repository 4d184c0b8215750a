using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>Runs the sessions of all stages with the same options and adds up the time that they take.</summary>
internal sealed class RunClock : IDisposable
{
    // Of sessions whose runs are captured, the number under which one is; −1 where it is not.
    private const string CaptureNumber = "gpu_graph_id";

    private readonly RunOptions _options = new();
    private readonly Dictionary<int, RunOptions> _captured = [];

    /// <summary>Time inside sessions so far, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks { get; private set; }

    /// <summary>Numbers under which runs were captured.</summary>
    public IReadOnlyCollection<int> Captured => _captured.Keys;

    /// <summary>Runs a session whose runs may be captured.</summary>
    /// <param name="session">The session.</param>
    /// <param name="binding">What it is bound to.</param>
    /// <param name="capture">A number above 0 for what it is bound to, under which the run is captured, or played back; null for neither.</param>
    public void Run(InferenceSession session, OrtIoBinding binding, int? capture)
    {
        int number = capture ?? -1;
        if (!_captured.TryGetValue(number, out RunOptions? options))
        {
            options = new RunOptions();
            _captured.Add(number, options);
            options.AddRunConfigEntry(CaptureNumber, number.ToString(CultureInfo.InvariantCulture));
        }

        Run(session, binding, options);
    }

    /// <summary>Runs a session.</summary>
    /// <exception cref="SpecDecodeException">It fails, for want of memory as a rule.</exception>
    public void Run(InferenceSession session, OrtIoBinding binding) => Run(session, binding, _options);

    /// <inheritdoc/>
    public void Dispose()
    {
        _options.Dispose();
        foreach (RunOptions options in _captured.Values)
        {
            options.Dispose();
        }
    }

    private void Run(InferenceSession session, OrtIoBinding binding, RunOptions options)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            session.RunWithBinding(options, binding);
        }
        catch (OnnxRuntimeException error)
        {
            throw new SpecDecodeException(
                $"ONNX Runtime cannot run a stage of the model: {error.Message.Trim()} Free memory, or lower MaxRowsPerPass or MaxSequenceLength.", error);
        }

        Ticks += Stopwatch.GetTimestamp() - start;
    }
}
