using System.Runtime.ExceptionServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Limits;

namespace SpecDecode.OnnxRuntime;

/// <summary>
/// The ONNX Runtime environment of this process. There is one, and whoever uses ONNX Runtime first makes it. Where that is
/// this library, it holds one thread pool and one memory arena for all stages of all models; where the application was
/// first, its environment is used as it is.
/// </summary>
internal sealed class RuntimeEnvironment
{
    // An extend strategy of ONNX Runtime's arenas: grow by what is asked for, not to the next power of two.
    private const int ExtendAsRequested = 1;

    // Threads of the pool have the name of the one that made them, of which Linux shows 15 letters.
    private const string PoolName = "SpecDecode pool";

    private static readonly Lock Gate = new();
    private static RuntimeEnvironment? s_current;

    // Of making it ahead, for whoever asks for it next.
    private static ExceptionDispatchInfo? s_failure;

    // Told once for the process, which it belongs to.
    private bool _hasToldOfTelemetry;

    private RuntimeEnvironment(bool hasPool, bool isOurs, ThreadChoice? threads, bool spinning, bool allowsTelemetry)
    {
        HasPool = hasPool;
        IsOurs = isOurs;
        Threads = threads;
        Spinning = spinning;
        AllowsTelemetry = allowsTelemetry;
    }

    /// <summary>Whether stages share the environment's thread pool; without it each has threads of its own.</summary>
    public bool HasPool { get; }

    /// <summary>Whether this library made the environment, and with it the shared arena.</summary>
    public bool IsOurs { get; }

    /// <summary>How many threads compute; null where the application made the environment.</summary>
    public ThreadChoice? Threads { get; }

    private bool Spinning { get; }

    // Whether ONNX Runtime may send telemetry; of an application's environment, whether nothing forbade it in time.
    private bool AllowsTelemetry { get; }

    /// <summary>The environment, made with these options if there is none yet.</summary>
    /// <param name="options">Threads, spinning and telemetry.</param>
    /// <param name="warn">Told when the application's environment cannot be used as the options say.</param>
    /// <exception cref="SpecDecodeException">The pool exists and has another number of threads than is asked for.</exception>
    public static RuntimeEnvironment Get(RuntimeOptions options, Action<string> warn)
    {
        lock (Gate)
        {
            try
            {
                Interlocked.Exchange(ref s_failure, null)?.Throw();
                s_current ??= Make(options);
            }
            catch (Exception error) when (IsNativeLibraryMissing(error))
            {
                throw new SpecDecodeException(
                    "ONNX Runtime's native library is not there or does not fit: reference the package Microsoft.ML.OnnxRuntime (or .Gpu) of this library's version in the application.", error);
            }

            s_current.CheckAgainst(options, warn);
            return s_current;
        }
    }

    /// <summary>
    /// Has the environment made on another thread, where there is none yet: ONNX Runtime's library takes longer to come up than anything else of a small model's
    /// loading, and needs nothing of it. Whoever asks for the environment waits for that, and is told what has failed. Where telemetry is wanted, nothing is done: it would begin
    /// for a loading that may fail.
    /// </summary>
    /// <param name="options">Threads, spinning and telemetry, as they are now.</param>
    /// <returns>The thread, which ends when it is made or has failed, and does not fail itself; null where there is nothing to do.</returns>
    public static Thread? BringUp(RuntimeOptions options)
    {
        if (s_current is not null || options.AllowRuntimeTelemetry)
        {
            return null;
        }

        RuntimeOptions asked = new() { Threads = options.Threads, Spinning = options.Spinning };
        Thread maker = new(() =>
        {
            lock (Gate)
            {
                try
                {
                    s_current ??= Make(asked);
                }
                catch (Exception error)
                {
                    // Of whatever kind, it is told where the environment is asked for.
                    s_failure = ExceptionDispatchInfo.Capture(error);
                }
            }
        })
        {
            Name = PoolName, IsBackground = true,
        };
        maker.Start();
        return maker;
    }

    private static bool IsNativeLibraryMissing(Exception error) =>
        error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException
        || (error is TypeInitializationException { InnerException: { } inner } && IsNativeLibraryMissing(inner));

    private static RuntimeEnvironment Make(RuntimeOptions options)
    {
        bool wasForbidden = RuntimeTelemetry.IsForbidden;
        if (!options.AllowRuntimeTelemetry)
        {
            ForbidTelemetry();
        }

        // Where it was forbidden from outside, an option does not allow it.
        return OrtEnv.IsCreated ? Adopt(allowsTelemetry: !wasForbidden) : Create(options, options.AllowRuntimeTelemetry && !wasForbidden);
    }

    // Before anything of ONNX Runtime's is touched: it begins when the library comes up. What is set is not set again, since other
    // threads may be reading the environment of C.
    private static void ForbidTelemetry()
    {
        if (!RuntimeTelemetry.IsForbidden)
        {
            RuntimeTelemetry.Forbid();
        }
    }

    private static RuntimeEnvironment Create(RuntimeOptions options, bool allowsTelemetry)
    {
        ThreadChoice threads = ThreadChoice.Of(options, ProcessLimits.Current);
        using OrtThreadingOptions threading = new()
        {
            GlobalIntraOpNumThreads = threads.Count ?? 0,
            GlobalInterOpNumThreads = 1,
            GlobalSpinControl = options.Spinning ?? true,
        };
        EnvironmentCreationOptions creation = new()
        {
            logId = "SpecDecode",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            threadOptions = threading,
        };
        OrtEnv environment;
        try
        {
            environment = OrtEnv.CreateInstanceWithOptions(ref creation);
        }
        catch (OnnxRuntimeException) when (OrtEnv.IsCreated)
        {
            // The application was first after all.
            return Adopt(allowsTelemetry);
        }

        if (!allowsTelemetry)
        {
            environment.DisableTelemetryEvents();
        }

        // One arena for all stages: a stage's scratch memory is free again when its call returns, so the next stage takes it.
        using OrtMemoryInfo cpu = new(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using OrtArenaCfg arena = new(0, ExtendAsRequested, -1, -1);
        environment.CreateAndRegisterAllocator(cpu, arena);
        return new RuntimeEnvironment(hasPool: true, isOurs: true, threads, options.Spinning ?? true, allowsTelemetry);
    }

    private static RuntimeEnvironment Adopt(bool allowsTelemetry)
    {
        using SessionOptions options = new();
        options.DisablePerSessionThreads();
        try
        {
            using InferenceSession probe = new(ProbeGraph.Build(), options);
            return new RuntimeEnvironment(hasPool: true, isOurs: false, null, true, allowsTelemetry);
        }
        catch (OnnxRuntimeException)
        {
            return new RuntimeEnvironment(hasPool: false, isOurs: false, null, true, allowsTelemetry);
        }
    }

    private void CheckAgainst(RuntimeOptions options, Action<string> warn)
    {
        if (options.AllowRuntimeTelemetry != AllowsTelemetry && !_hasToldOfTelemetry)
        {
            _hasToldOfTelemetry = true;
            warn(!IsOurs && AllowsTelemetry
                ? "The application made ONNX Runtime's environment, whose own telemetry may be on: set ORT_DISABLE_TELEMETRY=1 where the process is started, load the model before any other use of ONNX Runtime, or set AllowRuntimeTelemetry if that is meant."
                : $"AllowRuntimeTelemetry is {options.AllowRuntimeTelemetry}, but ONNX Runtime came up with its telemetry {(AllowsTelemetry ? "allowed" : "forbidden")} in this process, by an earlier model or loading or by ORT_DISABLE_TELEMETRY, which stays: ask for the same everywhere.");
        }

        if (IsOurs)
        {
            if (options.Threads is { } threads && threads != Threads!.Count)
            {
                OptionName option = OptionName.OfRuntime(nameof(options.Threads));
                throw new OptionException(
                    $"{option} is {threads}, but an earlier model or loading of this process made the thread pool with {Threads.Count?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "the default number of"} threads: leave {option} unset, or ask for the same in every model.");
            }

            if (options.Spinning is { } spinning && spinning != Spinning)
            {
                warn($"Spinning is {spinning}, but an earlier model or loading of this process made the thread pool with {Spinning}, which stays: ask for the same in every model.");
            }
        }
        else if (HasPool)
        {
            if (options.Threads is not null || options.Spinning is not null)
            {
                warn("The application made ONNX Runtime's environment with a thread pool of its own, which is used; Threads and Spinning have no effect. Load the model before any other use of ONNX Runtime to have them.");
            }
        }
        else
        {
            warn("The application made ONNX Runtime's environment without a thread pool, so every stage gets threads of its own, which costs memory and some speed. Load the model before any other use of ONNX Runtime, or create OrtEnv with threading options.");
        }
    }
}
