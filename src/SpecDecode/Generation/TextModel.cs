using SpecDecode.ChatTemplates;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Evaluation;
using SpecDecode.LayerSearch;
using SpecDecode.Limits;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>
/// A loaded model that continues texts. One call at a time: a call made during another throws.
/// </summary>
public sealed partial class TextModel : IDisposable
{
    private readonly LoadedModel _model;
    private readonly string _name;
    private readonly Scheduler _scheduler;
    private readonly int _maxSequences;
    private readonly long _kvBytes;
    private readonly RequestIntake _intake;
    private readonly DraftKeeper _keeper;
    private readonly SpareWork _spare;
    // Guards the two below; pulsed when a call ends.
    private readonly object _gate = new();
    private Thread? _caller;
    private bool _disposed;

    private TextModel(LoadedModel model, string folder, SchedulerLimits limits, IReadOnlyList<string> warnings)
    {
        _model = model;
        _name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        _scheduler = new Scheduler(model.Stages, limits);
        _maxSequences = limits.MaxSequences;
        _kvBytes = limits.KvBytes;
        _intake = RequestIntake.Of(model, limits.KvBytes);
        _keeper = new DraftKeeper(_intake.Drafting.Auto, model.Memory);
        _keeper.Restore();
        _spare = new SpareWork(model.Stages, _scheduler, _intake.Drafting.Swift, limits.SearchShare);
        Warnings = warnings;
        model.Memory.OnFailed(reason => Warnings = [.. Warnings, $"What drafting has learnt about the model is not kept for the next time: {reason}."]);
    }

    /// <summary>What holds where a request does not say.</summary>
    internal GenerationDefaults Defaults { get; set; } = new();

    /// <summary>Number of layers.</summary>
    public int LayerCount => _model.Stages.LayerCount;

    /// <summary>Number of token ids.</summary>
    public int VocabularySize => _model.Stages.VocabularySize;

    /// <summary>Longest sequence, prompt and new tokens together.</summary>
    public int MaxSequenceLength => _model.Stages.MaxSequenceLength;

    /// <summary>Which model it is, as drafting profiles name it.</summary>
    public ModelIdentity Identity => _model.Identity;

    /// <summary>
    /// The drafting profile of this model that lies in its folder (<see cref="DraftingProfile.FileName"/>): <c>auto</c> chooses from its plans. Null
    /// where there is none that can be used.
    /// </summary>
    public DraftingProfile? Profile => _model.Profile;

    /// <summary>Whose kernels multiply by matrices, and for which instruction set, in words: <c>own, AVX2</c> or <c>ONNX Runtime</c>.</summary>
    public string Kernels => _model.Kernels;

    /// <summary>How many tokens drafts choose from (<see cref="ModelOptions.DraftVocabulary"/>); 0 for all.</summary>
    public int DraftVocabulary => _model.Stages.DraftVocabulary.Length;

    /// <summary>What the head of drafts is rounded to (<see cref="ModelOptions.DraftHeadPrecision"/>); null where it is stored as the head is.</summary>
    public Precision? DraftHeadPrecision => _model.DraftHeadPrecision;

    /// <summary>
    /// How far the search for layers to leave out has come, of a model that drafts by <see cref="DraftingStrategy.Swift"/>; null before its texts have told it
    /// anything. It runs within <see cref="RuntimeOptions.SearchShare"/> of the calls' time.
    /// </summary>
    public LayerSearchState? LayerSearch => _spare.State;

    /// <summary>Its tokenizer; null where there is none that can be used, which <see cref="Warnings"/> explains.</summary>
    public TextTokenizer? Tokenizer => _model.Tokenizer;

    /// <summary>
    /// What makes prompts of <see cref="GenerationRequest.Messages"/>; null where the model has no tokenizer or no chat template that can
    /// be used, which a request with messages then says.
    /// </summary>
    public ChatTokenizer? ChatTokenizer => _model.Chat.Tokenizer;

    /// <summary>What is not as one may expect, a sentence each; empty when all is well. One may come while the model is used.</summary>
    public IReadOnlyList<string> Warnings { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>
    /// Loads a checkpoint folder: config.json, model.safetensors or shards with an index, tokenizer.json. The first time
    /// its weights are converted into a prepared-weights file, which later loads use.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Where prepared weights go; null takes the defaults.</param>
    /// <param name="runtime">How the model is run; null takes the defaults.</param>
    /// <param name="progress">Told how far loading is, from several threads; null for nobody.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <exception cref="SpecDecodeException">The checkpoint is damaged or unknown, an option is out of range, or the disk is full.</exception>
    /// <exception cref="OperationCanceledException">The loading was cancelled.</exception>
    public static TextModel Load(
        string folder, ModelOptions? options = null, RuntimeOptions? runtime = null,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        List<string> warnings = [];
        runtime ??= new RuntimeOptions();
        LoadedModel model = ModelLoader.Load(folder, options ?? new(), runtime, warnings.Add, progress, cancellationToken);
        return new TextModel(model, folder, SchedulerLimits.Of(runtime, ProcessLimits.Current.MemoryBytes, model.Weights.TensorBytes, model.AttendsOnDevice), warnings);
    }

    /// <summary>
    /// Looks at a folder without loading it: what model it holds, what memory it takes, and everything for which loading would refuse it.
    /// Of the weights only headers are read, and nothing is written.
    /// </summary>
    /// <param name="folder">A checkpoint folder, or a prepared one.</param>
    /// <exception cref="ArgumentNullException">The folder is null.</exception>
    public static ModelSummary Inspect(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return ModelInspection.Run(folder);
    }

    /// <summary>Compares options with this model ahead of any request.</summary>
    /// <param name="options">How to draft.</param>
    /// <returns>What is not as one may expect, a sentence each: plans of a profile that cannot be run.</returns>
    /// <exception cref="ArgumentException">The options contradict themselves, or one of their numbers is out of range.</exception>
    /// <exception cref="SpecDecodeException">They name a layer that the model does not have, or a profile that cannot be used with it.</exception>
    public IReadOnlyList<string> CheckDrafting(DraftingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return _intake.CheckDrafting(options);
    }

    /// <summary>Continues one text.</summary>
    /// <param name="request">The prompt and its limits.</param>
    /// <param name="onToken">Called with each new token as soon as it is known; null for nobody.</param>
    /// <param name="cancellationToken">Ends the text where it is, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, Action{int, int}, CancellationToken)" path="/exception"/>
    /// <exception cref="SpecDecodeException">Also when the model fails in the middle of the text.</exception>
    public GenerationResult Generate(GenerationRequest request, Action<int>? onToken = null, CancellationToken cancellationToken = default)
    {
        GenerationResult result = Generate([request], onToken is null ? null : (_, token) => onToken(token), cancellationToken)[0];
        return result.Error switch
        {
            null => result,
            SpecDecodeException error => throw error,
            var error => throw new SpecDecodeException($"The model failed after {result.Tokens.Count} new tokens: {error.Message.Trim()}", error),
        };
    }

    /// <summary>Continues a text and gives out each token as it is known, with the text that it completes.</summary>
    /// <param name="request">The prompt and its limits.</param>
    /// <param name="onUpdate">Called with each update; the last one of a text has its result.</param>
    /// <param name="cancellationToken">Ends the text where it is, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <returns>The result. A text that failed says so (<see cref="GenerationResult.Error"/>).</returns>
    /// <exception cref="ArgumentException">Also when the best of several texts is asked for, which is known when all have ended.</exception>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, Action{int, int}, CancellationToken)" path="/exception"/>
    public GenerationResult Stream(GenerationRequest request, Action<GenerationUpdate> onUpdate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(onUpdate);
        using Call call = new(this);
        AcceptedRequest accepted = _intake.Accept(request, Defaults, cancellationToken);
        if (accepted.IsBestOf)
        {
            throw new ArgumentException("The best of several texts is known when all have ended: ask for them without streaming, or leave BestOf out.", nameof(request));
        }

        AsyncSignal nobody = new();
        TokenFeed[] feeds = [.. accepted.Sequences.Select(sequence => new TokenFeed(sequence, nobody))];
        UpdateReader[] texts = [.. feeds.Select((feed, choice) => new UpdateReader(feed, choice, accepted, Tokenizer))];
        try
        {
            Array.ForEach(accepted.Sequences, Begin);
            RunToEnd(accepted.Sequences, PassOn, onStep: null, cancellationToken);
            return accepted.Result(Tokenizer);
        }
        finally
        {
            // Where a listener threw, nothing stays behind.
            _scheduler.EndAll(FinishReason.Cancelled);
        }

        void PassOn()
        {
            for (int i = 0; i < texts.Length; i++)
            {
                feeds[i].Publish();
                while (texts[i].TryRead(out GenerationUpdate update))
                {
                    onUpdate(update);
                }
            }
        }
    }

    /// <summary>Continues several texts in the same steps; each comes out as it would alone.</summary>
    /// <param name="requests">The prompts and their limits.</param>
    /// <param name="onToken">Called with a request's index and each new token as soon as it is known; null for nobody.</param>
    /// <param name="cancellationToken">Ends all texts where they are, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <returns>A result for each request, in their order; one that failed says so and leaves the others alone.</returns>
    /// <exception cref="ArgumentNullException">The list or a request in it is null.</exception>
    /// <exception cref="ArgumentException">
    /// A request has none or several of prompt, tokens and messages, one of its numbers is out of range, or it asks for several texts while a callback is given.
    /// </exception>
    /// <exception cref="SpecDecodeException">
    /// A prompt is empty, too long (for the model, or with its new tokens for <see cref="RuntimeOptions.KvCacheMegabytes"/>), has an
    /// id beyond the vocabulary, is text and the model has no tokenizer, or is a conversation and the model has no chat template or its
    /// template refuses it.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public IReadOnlyList<GenerationResult> Generate(
        IReadOnlyList<GenerationRequest> requests, Action<int, int>? onToken = null, CancellationToken cancellationToken = default) =>
        Generate(requests, onToken, onStep: null, cancellationToken);

    /// <summary>Continues several texts in the same steps, and tells what each step did.</summary>
    /// <param name="requests">The prompts and their limits.</param>
    /// <param name="onToken">Called with a request's index and each new token as soon as it is known; null for nobody.</param>
    /// <param name="onStep">Called after each step; null for nobody.</param>
    /// <param name="cancellationToken">Ends all texts where they are, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, Action{int, int}, CancellationToken)"/>
    public IReadOnlyList<GenerationResult> Generate(
        IReadOnlyList<GenerationRequest> requests, Action<int, int>? onToken, Action<StepRecord>? onStep, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        using Call call = new(this);
        AcceptedRequest[] accepted = [.. requests.Select(request => _intake.Accept(request, Defaults, cancellationToken))];
        Sequence[] sequences = [.. accepted.SelectMany(request => request.Sequences)];
        int[] told = new int[sequences.Length];
        if (onToken is not null && sequences.Length > accepted.Length)
        {
            throw new ArgumentException("A request asks for several texts, of which a callback could not tell the tokens apart: give none, or ask for one text.", nameof(onToken));
        }

        try
        {
            Array.ForEach(sequences, Begin);
            RunToEnd(sequences, onToken is null ? null : Tell, onStep, cancellationToken);
            return [.. accepted.Select(request => request.Result(Tokenizer))];
        }
        finally
        {
            // Where a listener threw, nothing stays behind.
            _scheduler.EndAll(FinishReason.Cancelled);
        }

        void Tell()
        {
            for (int i = 0; i < sequences.Length; i++)
            {
                for (; told[i] < sequences[i].NewTokens.Length; told[i]++)
                {
                    onToken!(i, sequences[i].NewTokens[told[i]]);
                }
            }
        }
    }

    /// <summary>Runs a plan of blocks over a sequence and gives its logits.</summary>
    /// <param name="tokens">The sequence, at least one token.</param>
    /// <param name="plan">The blocks that run; null runs the whole model.</param>
    /// <param name="cancellationToken">Ends the work between passes.</param>
    /// <exception cref="SpecDecodeException">The sequence is empty, too long, or has an id beyond the vocabulary.</exception>
    /// <exception cref="ArgumentException">The plan names a layer that the model does not have.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public LogitsResult Evaluate(IReadOnlyList<int> tokens, LayerPlan? plan = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using Call call = new(this);
        int[] sequence = [.. tokens];
        _intake.CheckTokens(sequence, sequence.Length);
        plan ??= LayerPlan.Full(LayerCount);
        _intake.CheckLayers(plan, nameof(plan));
        return PlanEvaluation.Run(_model.Stages, plan, sequence, cancellationToken);
    }

    /// <summary>
    /// Times a pass: embedding, the plan's blocks and the head over rows of one sequence. From these costs follows what a draft
    /// plan can gain (time of a round: draft length × one row of the draft plan, and one verifying pass).
    /// </summary>
    /// <param name="plan">The blocks that run.</param>
    /// <param name="rows">Rows in the pass, all of them scored: from 1 to what one pass and its logits hold (512 with the defaults and a vocabulary below 8,000).</param>
    /// <param name="past">Positions in the cache before them; with the rows at most <see cref="MaxSequenceLength"/>.</param>
    /// <param name="repetitions">How often it runs, at least 1; the result is the median.</param>
    /// <exception cref="ArgumentException">A number is out of range, or the plan names a layer that the model does not have.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public TimeSpan TimePass(LayerPlan plan, int rows, int past = 64, int repetitions = 15)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, Math.Min(_model.Stages.MaxRows, _model.Stages.MaxScoredRows));
        ArgumentOutOfRangeException.ThrowIfNegative(past);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)past + rows, MaxSequenceLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(repetitions, 1);
        _intake.CheckLayers(plan, nameof(plan));
        using Call call = new(this);
        return PassTiming.Median(_model.Stages, plan, rows, past, repetitions);
    }

    /// <summary>
    /// What <see cref="DraftingStrategy.Auto"/> thinks of the plans that requests have let it choose from until now, by what this process and
    /// earlier ones have learnt. Empty where no request has.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public IReadOnlyList<DraftEstimate> EstimateDrafts()
    {
        using Call call = new(this);
        return
        [
            .. _intake.Drafting.Auto.Records.Select(record => new DraftEstimate
            {
                Plan = record.Plan, ExpectedSpeedup = record.ExpectedSpeedup, JudgedTokens = record.Judged, CalibrationError = record.CalibrationError,
            }),
        ];
    }

    /// <summary>Frees the model; waits for a call that another thread has made. Calls that come after it are refused.</summary>
    /// <exception cref="InvalidOperationException">It is called from inside a call, by one of its callbacks.</exception>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_caller == Thread.CurrentThread)
            {
                throw new InvalidOperationException(
                    "The model is answering the call that this one came from: cancel that with its token, and dispose of the model when it has returned.");
            }

            bool isFirst = !_disposed;
            _disposed = true;
            while (_caller is not null)
            {
                Monitor.Wait(_gate);
            }

            if (isFirst)
            {
                _keeper.End();
                _calibrations?.Dispose();
                _spare.Dispose();
                _model.Dispose();
            }
        }
    }

    private void RunToEnd(
        Sequence[] sequences, Action? passOn, Action<StepRecord>? onStep, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static all => Array.ForEach((Sequence[])all!, sequence => sequence.RequestCancellation()), sequences);
        while (!_scheduler.IsIdle)
        {
            StepRecord step = _scheduler.Step();
            _spare.RunAfter(step.Time);
            if (step.Sequences > 0)
            {
                onStep?.Invoke(step);
            }

            passOn?.Invoke();
        }
    }

    private void Begin(Sequence sequence)
    {
        sequence.Enqueue();
        _scheduler.Add(sequence);
    }

    /// <summary>Marks the model as busy; a second call at the same time throws.</summary>
    private readonly ref struct Call : IDisposable
    {
        private readonly TextModel _model;

        public Call(TextModel model)
        {
            lock (model._gate)
            {
                ObjectDisposedException.ThrowIf(model._disposed, model);
                if (model._caller is not null)
                {
                    throw new InvalidOperationException("The model is answering another call: make one call at a time.");
                }

                model._caller = Thread.CurrentThread;
            }

            _model = model;
        }

        public void Dispose()
        {
            _model._keeper.Rest();
            lock (_model._gate)
            {
                _model._caller = null;
                Monitor.PulseAll(_model._gate);
            }
        }
    }
}
