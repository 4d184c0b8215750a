using Microsoft.ML.OnnxRuntime;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>All sessions of a model, created from its description and its prepared weights.</summary>
internal sealed class StageSessions : IDisposable
{
    // While a session is created, its weights are in memory twice: mapped, and packed.
    private const int MostAtATime = 8;

    // Often enough that pages of the file do not pile up; finding them takes a few milliseconds.
    private const int SessionsBetweenDrops = 32;

    private readonly RunClock _run = new();
    private readonly List<StageSession> _all = [];

    private StageSessions(int layers, EmbeddingTable embed, ProductSet products)
    {
        Embed = embed;
        Products = products;
        AttentionIn = new StageSession[layers];
        AttentionOut = new StageSession[layers];
        Mlp = new StageSession[layers];
    }

    /// <summary>Time inside the sessions so far, in ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long RuntimeTicks => _run.Ticks;

    /// <summary>Numbers of what is captured of the stages' runs, if any is; −1 among them where some runs are not.</summary>
    public IReadOnlyCollection<int> Captured => _run.Captured;

    /// <summary>The products of the stages, with kernels of this library.</summary>
    public ProductSet Products { get; }

    /// <summary>Token ids to residual.</summary>
    public EmbeddingTable Embed { get; }

    /// <summary>Residual to packed queries, keys and values, by layer.</summary>
    public StageSession[] AttentionIn { get; }

    /// <summary>Attended rows back to the residual, by layer.</summary>
    public StageSession[] AttentionOut { get; }

    /// <summary>MLP blocks, by layer.</summary>
    public StageSession[] Mlp { get; }

    /// <summary>Residual to logits.</summary>
    public StageSession Head { get; private set; } = null!;

    /// <summary>Residual to the logits of some tokens, for drafts; null where drafts score all.</summary>
    public ShortHead? ShortHead { get; private set; }

    /// <summary>Several blocks in one call; null where each block is called by itself.</summary>
    public SegmentStages? Segments { get; private set; }

    /// <summary>How the blocks' stages other than attention must be run; before they are probed, as rows come.</summary>
    public RowRule BlockRows { get; private set; } = new(RowRule.None, IsAlike: false);

    /// <summary>The same of the head.</summary>
    public RowRule HeadRows { get; private set; } = new(RowRule.None, IsAlike: false);

    /// <summary>
    /// Creates the sessions, several at a time: packing the weights is most of the work, and each session packs on the
    /// thread that creates it.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights; they must stay open as long as the sessions live.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="progress">Told the share of sessions that exist; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work between sessions.</param>
    /// <param name="provider">Where they run; null for the CPU.</param>
    /// <param name="attendsOnDevice">Whether attention runs on its device too, so that rows stay there from stage to stage.</param>
    public static StageSessions Create(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken, ExecutionProvider? provider = null, bool attendsOnDevice = false)
    {
        StageSessions sessions = new(model.Layers.Length, new EmbeddingTable(model, weights), new ProductSet(weights, InstructionSets.Current));
        bool isOnDevice = provider?.IsDevice ?? false;
        StageGraphs graphs = new(model, weights, sessions.Products, computesInType: isOnDevice);
        bool captures = attendsOnDevice && provider!.CapturesRuns;
        List<(Func<byte[]> Graph, Action<StageSession> Place, bool Captures)> work = [(isOnDevice ? graphs.ChoosingHead : graphs.Head, stage => sessions.Head = stage, false)];
        for (int i = 0; i < model.Layers.Length; i++)
        {
            int layer = i;
            LayerDescription description = model.Layers[layer];
            work.Add((() => graphs.AttentionIn(description.Attention), stage => sessions.AttentionIn[layer] = stage, captures));
            work.Add((() => graphs.AttentionOut(description.Attention), stage => sessions.AttentionOut[layer] = stage, captures));
            work.Add((() => graphs.Mlp(description), stage => sessions.Mlp[layer] = stage, captures));
        }

        try
        {
            using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
            using SessionOptions capturingOptions = SessionOptionsFor(environment, options, weights);
            if (isOnDevice)
            {
                PutOn(provider!, sessionOptions);
                capturingOptions.GraphOptimizationLevel = sessionOptions.GraphOptimizationLevel;
                provider!.AddCapturingTo(capturingOptions);
            }

            int created = 0;
            Parallel.ForEach(work, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostAtATime) }, item =>
            {
                StageSession session = new(item.Graph(), item.Captures ? capturingOptions : sessionOptions, sessions._run, isOnDevice && !attendsOnDevice, item.Captures);
                bool isTimeToDrop;
                lock (sessions._all)
                {
                    sessions._all.Add(session);
                    item.Place(session);
                    isTimeToDrop = ++created % SessionsBetweenDrops == 0;
                    progress?.Report(new LoadProgress(LoadPhase.CreatingStages, (double)created / work.Count));
                }

                if (isTimeToDrop && !weights.IsInPanels)
                {
                    MappedWeightPages.Drop(weights.Path);
                }
            });
            if (!weights.IsInPanels)
            {
                MappedWeightPages.Drop(weights.Path);
            }

            return sessions;
        }
        catch (AggregateException error)
        {
            sessions.Dispose();
            Exception first = error.InnerExceptions[0];
            throw first is OnnxRuntimeException && isOnDevice
                ? new SpecDecodeException($"A stage of the model cannot be made on the device: {CudaFailure.Explain(first.Message, options.DeviceId)}", first)
                : first is OnnxRuntimeException
                ? new SpecDecodeException($"ONNX Runtime cannot create a stage of the model: {first.Message.Trim()} Free memory, or use a smaller model.", first)
                : first;
        }
        catch
        {
            sessions.Dispose();
            throw;
        }
    }

    /// <summary>Finds out how they must be run so that a row does not depend on the rows beside it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="allocator">Where buffers come from.</param>
    public void ProbeRows(DecoderDescription model, IBufferAllocator allocator)
    {
        BlockRows = RowProbe.Blocks(model, this, allocator);
        HeadRows = RowProbe.Head(model, this, allocator);
    }

    /// <summary>Attention of the model, which is the same for all copies of its weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own, rows of a pass, and what keys and values are stored as.</param>
    /// <param name="allocator">Where buffers come from.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    public AttentionStages CreateAttention(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, IBufferAllocator allocator, int maxSequenceLength)
    {
        using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
        return new AttentionStages(
            model, options.KvPrecision, new StageGraphs(model, weights, Products), sessionOptions, allocator, maxSequenceLength, options.MaxRowsPerPass);
    }

    /// <summary>Attention of the model on a device, with keys and values there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="provider">The device's provider, and the process's memory.</param>
    /// <param name="device">The device's memory; must live as long.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    public DeviceAttentionStages CreateAttention(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, ExecutionProvider provider, DeviceRows device, int maxSequenceLength)
    {
        using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
        provider.AddTo(sessionOptions);
        return new DeviceAttentionStages(
            model, new StageGraphs(model, weights, Products, computesInType: true), sessionOptions, device, provider.Buffers, maxSequenceLength);
    }

    /// <summary>What runs bridges, which are the same for all copies of the weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights; they must stay open as long as bridges run.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="allocator">Where buffers come from.</param>
    /// <param name="canRun">Whether the residual lies in the process's memory.</param>
    public BridgeStages CreateBridges(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, IBufferAllocator allocator, bool canRun) =>
        new(model, weights, Products, environment, options, allocator, canRun);

    /// <summary>Adds a head over some tokens alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights, in panels.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="allocator">Where its memory comes from.</param>
    /// <param name="tokens">How many tokens: a multiple of <see cref="PanelLayout.Outputs"/> below V.</param>
    public void AddShortHead(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, IBufferAllocator allocator, int tokens)
    {
        ShortHead = new ShortHead(model, weights, Products, allocator, tokens);
        using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
        byte[] graph = new StageGraphs(model, weights, Products).ShortHead(ShortHead.Product, tokens);
        ShortHead.RunOn(new StageSession(graph, sessionOptions, _run));
    }

    /// <summary>
    /// Lets several blocks run in one call where passes ask for them again and again: where nothing but the residual goes from block to block, and on the CPU where sessions have no weights of
    /// their own and no row needs a companion. On a device segments take their weights once more.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="attention">Attention of the model.</param>
    /// <param name="provider">The provider of the device that attention runs on; null where it runs on the CPU.</param>
    public void AddSegments(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, IAttentionStages attention, ExecutionProvider? provider = null)
    {
        bool hasCompanions = BlockRows.Block != RowRule.None;
        if (model.Layers.Any(layer => layer.IsParallel) || (provider is null && (!weights.IsInPanels || hasCompanions)))
        {
            return;
        }

        StageGraphs graphs = new(model, weights, Products, computesInType: provider is not null);
        Segments = new SegmentStages(blocks =>
        {
            using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
            if (provider is not null)
            {
                PutOn(provider, sessionOptions);
            }

            try
            {
                StageSession segment = new(attention.Segment(graphs, blocks.AsSpan(), hasCompanions), sessionOptions, _run) { Blocks = blocks, HasCompanions = hasCompanions };
                if (!weights.IsInPanels)
                {
                    MappedWeightPages.Drop(weights.Path);
                }

                return segment;
            }
            catch (OnnxRuntimeException error) when (provider is not null)
            {
                throw new SpecDecodeException(
                    $"A segment of the model cannot be made on the device: {CudaFailure.Explain(error.Message, options.DeviceId)} Segments take their weights once more; leave {OptionName.OfRuntime(nameof(options.DeviceSegments))} out.",
                    error);
            }
            catch (OnnxRuntimeException error)
            {
                throw new SpecDecodeException($"ONNX Runtime cannot create a segment of the model: {error.Message.Trim()} Free memory, or use a smaller model.", error);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Segments?.Dispose();
        ShortHead?.Dispose();
        foreach (StageSession session in _all)
        {
            session.Dispose();
        }

        Products.Dispose();
        _run.Dispose();
    }

    private static void PutOn(ExecutionProvider provider, SessionOptions options)
    {
        // Constants in the stages' type are made of those in the file, once and for all.
        options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC;
        provider.AddTo(options);
    }

    /// <summary>The options of every session over these weights.</summary>
    internal static SessionOptions SessionOptionsFor(RuntimeEnvironment environment, RuntimeOptions options, PreparedWeights weights)
    {
        SessionOptions session = new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        // The graphs are written as they are to run: the optimisers change none of them, and what they leave behind is a third
        // of a session's memory.
        session.GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL;
        session.EnableMemoryPattern = false; // row counts change from run to run; the arena is as fast without

        // Packed weights beside the arena, which never gives back what it has taken: they go when the session goes.
        session.AddSessionConfigEntry("session.use_device_allocator_for_initializers", "1");
        session.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", Path.GetDirectoryName(weights.Path)!);
        OperatorDomain.Register(session);

        if (environment.IsOurs)
        {
            session.AddSessionConfigEntry("session.use_env_allocators", "1");
        }

        if (environment.HasPool)
        {
            session.DisablePerSessionThreads();
        }
        else
        {
            session.IntraOpNumThreads = options.Threads ?? 0;
            session.AddSessionConfigEntry("session.intra_op.allow_spinning", options.Spinning ?? true ? "1" : "0");
        }

        return session;
    }
}
