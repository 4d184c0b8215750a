using System.Collections.Immutable;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.Plans;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// One stage: an ONNX Runtime session and the bindings it was run with, kept by a key so that running it again with the
/// same rows and buffers allocates nothing.
/// </summary>
internal sealed class StageSession : IDisposable
{
    // Above the row counts of decoding, also of eight drafting sequences; prompts of every length may bring more, and then all
    // are made anew.
    private const int MaxBindings = 256;

    // Prompts come in pieces of all lengths; what is captured stays.
    private const int MostCapturedRows = 32;

    private static int s_liveCount;

    private readonly InferenceSession _session;
    private readonly RunClock _run;
    private readonly bool _capturesRuns;
    private readonly Dictionary<int, OrtIoBinding> _bindings = [];
    private int _removals;
    private bool _isDisposed;

    /// <summary>Creates the session.</summary>
    /// <param name="graph">The stage's graph.</param>
    /// <param name="options">Options of all stages.</param>
    /// <param name="run">Runs the sessions of all stages.</param>
    /// <param name="copiesInputs">Whether what is bound is copied to a device then, so that it must be bound again before each run.</param>
    /// <param name="capturesRuns">Whether the options have runs captured.</param>
    public StageSession(byte[] graph, SessionOptions options, RunClock run, bool copiesInputs = false, bool capturesRuns = false)
    {
        _capturesRuns = capturesRuns;
        CopiesInputs = copiesInputs;
        _session = MappedWeightPages.WithSessions(() => new InferenceSession(graph, options));
        _run = run;
        Interlocked.Increment(ref s_liveCount);
    }

    /// <summary>Sessions of this process that were created and not disposed.</summary>
    public static int LiveCount => Volatile.Read(ref s_liveCount);

    /// <summary>Of a segment, its blocks.</summary>
    public ImmutableArray<Block> Blocks { get; init; }

    /// <summary>Of a segment, whether it takes rows behind those of a pass, which attend to nothing.</summary>
    public bool HasCompanions { get; init; }

    /// <summary>Whether inputs must be bound again before each run.</summary>
    public bool CopiesInputs { get; }

    /// <summary>The binding that was kept under a key.</summary>
    /// <param name="key">What the binding depends on, as one number.</param>
    /// <returns>The binding; null when a new one must be made.</returns>
    public OrtIoBinding? KeptBinding(int key) => _bindings.GetValueOrDefault(key);

    /// <summary>Keeps a finished binding under a key; the session disposes it.</summary>
    public void Keep(int key, OrtIoBinding binding)
    {
        if (_bindings.Count == MaxBindings)
        {
            ClearBindings();
        }

        _bindings.Add(key, binding);
    }

    /// <summary>Forgets kept bindings where memory that they may be bound to was given back since.</summary>
    /// <param name="removals">How often it was.</param>
    public void ForgetBindings(int removals)
    {
        if (_removals != removals)
        {
            ClearBindings();
            _removals = removals;
        }
    }

    /// <summary>An empty binding.</summary>
    public OrtIoBinding NewBinding() => _session.CreateIoBinding();

    /// <summary>Runs the stage.</summary>
    public void Run(OrtIoBinding binding)
    {
        if (_capturesRuns)
        {
            _run.Run(_session, binding, capture: null);
        }
        else
        {
            _run.Run(_session, binding);
        }
    }

    /// <summary>Runs the stage with a kept binding; where runs are captured, that of few rows is, or is played back.</summary>
    /// <param name="binding">The binding.</param>
    /// <param name="key">The key under which it is kept, above 0: what it is bound to is always the same.</param>
    /// <param name="rows">Rows of the run.</param>
    public void Run(OrtIoBinding binding, int key, int rows)
    {
        if (_capturesRuns && rows <= MostCapturedRows)
        {
            _run.Run(_session, binding, key);
        }
        else
        {
            Run(binding);
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
        Interlocked.Decrement(ref s_liveCount);
        ClearBindings();
        MappedWeightPages.WithSessions(() =>
        {
            _session.Dispose();
            return true;
        });
    }

    private void ClearBindings()
    {
        foreach (OrtIoBinding binding in _bindings.Values)
        {
            binding.Dispose();
        }

        _bindings.Clear();
    }
}
