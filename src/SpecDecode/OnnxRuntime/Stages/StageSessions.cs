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

    // The last one makes a session of a graph, which may be captured or not.
    private StageSessions(DecoderDescription model, PreparedWeights weights, ProductSet products, StageGraphs graphs, Func<StageSessions, byte[], bool, StageSession> create)
    {
        int layers = model.Layers.Length;
        Embed = new EmbeddingTable(model, weights);
        Products = products;
        AttentionIn = new LayerStages(layers, layer => create(this, graphs.AttentionIn(model.Layers[layer].Attention), true));
        AttentionOut = new LayerStages(layers, layer => create(this, graphs.AttentionOut(model.Layers[layer].Attention), true));
        Mlp = new LayerStages(layers, layer => create(this, graphs.Mlp(model.Layers[layer]), true));
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
    public LayerStages AttentionIn { get; }

    /// <summary>Attended rows back to the residual, by layer.</summary>
    public LayerStages AttentionOut { get; }

    /// <summary>MLP blocks, by layer.</summary>
    public LayerStages Mlp { get; }

    /// <summary>Residual to logits.</summary>
    public StageSession Head { get; private set; } = null!;

    /// <summary>Residual to the logits of some tokens or all, for drafts; null where drafts use <see cref="Head"/>.</summary>
    public DraftHead? DraftHead { get; private set; }

    /// <summary>Several blocks in one call; null where each block is called by itself.</summary>
    public SegmentStages? Segments { get; private set; }

    /// <summary>How the blocks' stages other than attention must be run; before they are probed, as rows come.</summary>
    public RowRule BlockRows { get; private set; } = new(RowRule.None, IsAlike: false);

    /// <summary>The same of the head.</summary>
    public RowRule HeadRows { get; private set; } = new(RowRule.None, IsAlike: false);

    /// <summary>
    /// Creates the sessions, several at a time: packing the weights is most of the work, and each session packs on the
    /// thread that creates it. Where there is nothing to pack and blocks go in segments, those of most layers are created where a pass first comes to them.
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
        ProductSet products = new(weights, InstructionSets.Current);
        bool isOnDevice = provider?.IsDevice ?? false;
        StageGraphs graphs = new(model, weights, products, computesInType: isOnDevice);
        bool captures = attendsOnDevice && provider!.CapturesRuns;
        StageSessions sessions = new(model, weights, products, graphs, Create);
        List<Action> work = [() => sessions.Head = Create(sessions, isOnDevice ? graphs.ChoosingHead() : graphs.Head(), false)];
        bool comeLater = ComeLater(model, weights, provider);
        try
        {
            progress?.Report(new LoadProgress(LoadPhase.CreatingStages, 0));
            sessions.BlockRows = graphs.BlocksAreOwn() ? RowRule.Free : sessions.BlockRows;
            sessions.HeadRows = graphs.HeadIsOwn() ? RowRule.Free : sessions.HeadRows;
            int layersToProbe = sessions.BlockRows == RowRule.Free ? 0 : 1;
            for (int i = 0; i < (comeLater ? layersToProbe : model.Layers.Length); i++)
            {
                int layer = i;
                work.Add(() => sessions.AttentionIn.Make(layer));
                work.Add(() => sessions.AttentionOut.Make(layer));
                work.Add(() => sessions.Mlp.Make(layer));
            }

            int created = 0;
            if (comeLater)
            {
                // A few with nothing to pack: threads would take longer to begin than they save.
                foreach (Action make in work)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Make(make);
                }
            }
            else
            {
                Parallel.ForEach(work, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostAtATime) }, Make);
            }

            void Make(Action make)
            {
                make();
                bool isTimeToDrop;
                lock (sessions._all)
                {
                    isTimeToDrop = ++created % SessionsBetweenDrops == 0;
                    progress?.Report(new LoadProgress(LoadPhase.CreatingStages, (double)created / work.Count));
                }

                if (isTimeToDrop && !weights.IsInPanels)
                {
                    MappedWeightPages.Drop(weights.Path);
                }
            }

            if (!weights.IsInPanels)
            {
                MappedWeightPages.Drop(weights.Path);
            }

            return sessions;
        }
        catch (AggregateException error)
        {
            sessions.Dispose();
            throw error.InnerExceptions[0];
        }
        catch
        {
            sessions.Dispose();
            throw;
        }

        StageSession Create(StageSessions owner, byte[] graph, bool canBeCaptured)
        {
            using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
            if (isOnDevice)
            {
                PutOn(provider!, sessionOptions, canBeCaptured && captures);
            }

            try
            {
                StageSession session = new(graph, sessionOptions, owner._run, isOnDevice && !attendsOnDevice, canBeCaptured && captures);
                lock (owner._all)
                {
                    owner._all.Add(session);
                }

                return session;
            }
            catch (OnnxRuntimeException error)
            {
                throw isOnDevice
                    ? new SpecDecodeException($"A stage of the model cannot be made on the device: {CudaFailure.Explain(error.Message, options.DeviceId)}", error)
                    : new SpecDecodeException($"ONNX Runtime cannot create a stage of the model: {error.Message.Trim()} Free memory, or use a smaller model.", error);
            }
        }
    }

    /// <summary>Finds out how they must be run so that a row does not depend on the rows beside it, unless they are operators of this library alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="allocator">Where buffers come from.</param>
    public void ProbeRows(DecoderDescription model, IBufferAllocator allocator)
    {
        if (BlockRows != RowRule.Free)
        {
            BlockRows = RowProbe.Blocks(model, this, allocator);
        }

        if (HeadRows != RowRule.Free)
        {
            HeadRows = RowProbe.Head(model, this, allocator);
        }
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

    /// <summary>Adds a head for drafts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">Its weights, in panels.</param>
    /// <param name="environment">The process's ONNX Runtime environment.</param>
    /// <param name="options">Threads, where each session has its own.</param>
    /// <param name="allocator">Where its memory comes from.</param>
    /// <param name="tokens">How many tokens it scores: V, or a multiple of <see cref="PanelLayout.Outputs"/> below it.</param>
    /// <param name="format">What it is stored as, in panels.</param>
    public void AddDraftHead(
        DecoderDescription model, PreparedWeights weights, RuntimeEnvironment environment, RuntimeOptions options, IBufferAllocator allocator, int tokens, TensorFormat format)
    {
        DraftHead = new DraftHead(model, weights, Products, allocator, tokens, format);
        using SessionOptions sessionOptions = SessionOptionsFor(environment, options, weights);
        byte[] graph = new StageGraphs(model, weights, Products).DraftHead(DraftHead.Product, tokens);
        DraftHead.RunOn(new StageSession(graph, sessionOptions, _run));
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
        DraftHead?.Dispose();
        foreach (StageSession session in _all)
        {
            session.Dispose();
        }

        Products.Dispose();
        _run.Dispose();
    }

    // Where blocks go in segments, their own sessions are made when one is asked for, but for a layer's where these are asked how rows must be run: a text that is
    // written plainly asks for no other. Weights in panels are nothing that a session would have to pack.
    private static bool ComeLater(DecoderDescription model, PreparedWeights weights, ExecutionProvider? provider) =>
        provider?.IsDevice != true && weights.IsInPanels && !model.Layers.Any(layer => layer.IsParallel);

    private static void PutOn(ExecutionProvider provider, SessionOptions options, bool captures = false)
    {
        // Constants in the stages' type are made of those in the file, once and for all.
        options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC;
        if (captures)
        {
            provider.AddCapturingTo(options);
        }
        else
        {
            provider.AddTo(options);
        }
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
