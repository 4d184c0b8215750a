using System.Collections.Frozen;
using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Scheduling;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>
/// A loaded model that continues texts. One call at a time: a call made during another throws.
/// </summary>
public sealed partial class TextModel : IDisposable
{
    private readonly LoadedModel _model;
    private readonly EngineStep _step;
    private readonly FrozenSet<int> _endOfSequence;
    private int _busy;
    private bool _disposed;

    private TextModel(LoadedModel model, IReadOnlyList<string> warnings)
    {
        _model = model;
        _step = new EngineStep(model.Stages);
        _endOfSequence = model.Description.EndOfSequence.ToFrozenSet();
        Warnings = warnings;
    }

    /// <summary>Number of layers.</summary>
    public int LayerCount => _model.Stages.LayerCount;

    /// <summary>Number of token ids.</summary>
    public int VocabularySize => _model.Stages.VocabularySize;

    /// <summary>Longest sequence, prompt and new tokens together.</summary>
    public int MaxSequenceLength => _model.Stages.MaxSequenceLength;

    /// <summary>Its tokenizer; null where there is none that can be used, which <see cref="Warnings"/> explains.</summary>
    public TextTokenizer? Tokenizer => _model.Tokenizer;

    /// <summary>What is not as one may expect, a sentence each; empty when all is well.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// Loads a checkpoint folder: config.json, model.safetensors or shards with an index, tokenizer.json. The first time
    /// its weights are converted into a prepared-weights file, which later loads use.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Where prepared weights go; null takes the defaults.</param>
    /// <param name="runtime">How the model is run; null takes the defaults.</param>
    /// <param name="progress">Told how far loading is, from several threads; null for nobody.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="SpecDecodeException">The checkpoint is damaged or unknown, an option is out of range, or the disk is full.</exception>
    /// <exception cref="OperationCanceledException">The loading was cancelled.</exception>
    public static TextModel Load(
        string folder, ModelOptions? options = null, RuntimeOptions? runtime = null,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        List<string> warnings = [];
        LoadedModel model = ModelLoader.Load(folder, options ?? new(), runtime ?? new(), warnings.Add, progress, cancellation);
        return new TextModel(model, warnings);
    }

    /// <summary>Continues one text, greedily.</summary>
    /// <param name="request">The prompt and its limits.</param>
    /// <param name="onToken">Called with each new token as soon as it is known; null for nobody.</param>
    /// <param name="cancellation">Ends the text where it is, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, Action{int, int}, CancellationToken)" path="/exception"/>
    public GenerationResult Generate(GenerationRequest request, Action<int>? onToken = null, CancellationToken cancellation = default) =>
        Generate([request], onToken is null ? null : (_, token) => onToken(token), cancellation)[0];

    /// <summary>Continues several texts in the same steps, greedily; each comes out as it would alone.</summary>
    /// <param name="requests">The prompts and their limits.</param>
    /// <param name="onToken">Called with a request's index and each new token as soon as it is known; null for nobody.</param>
    /// <param name="cancellation">Ends all texts where they are, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <returns>A result for each request, in their order.</returns>
    /// <exception cref="ArgumentNullException">The list or a request in it is null.</exception>
    /// <exception cref="ArgumentException">A request has both or neither of prompt and tokens, or asks for no new token.</exception>
    /// <exception cref="SpecDecodeException">
    /// A prompt is empty, too long, has an id beyond the vocabulary, or is text and the model has no tokenizer.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    public IReadOnlyList<GenerationResult> Generate(
        IReadOnlyList<GenerationRequest> requests, Action<int, int>? onToken = null, CancellationToken cancellation = default) =>
        Generate(requests, onToken, onStep: null, cancellation);

    /// <summary>Continues several texts in the same steps, and tells what each step did.</summary>
    /// <param name="requests">The prompts and their limits.</param>
    /// <param name="onToken">Called with a request's index and each new token as soon as it is known; null for nobody.</param>
    /// <param name="onStep">Called after each step; null for nobody.</param>
    /// <param name="cancellation">Ends all texts where they are, with <see cref="FinishReason.Cancelled"/>.</param>
    /// <inheritdoc cref="Generate(IReadOnlyList{GenerationRequest}, Action{int, int}, CancellationToken)"/>
    public IReadOnlyList<GenerationResult> Generate(
        IReadOnlyList<GenerationRequest> requests, Action<int, int>? onToken, Action<StepRecord>? onStep, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(requests);
        using Call call = new(this);
        int[][] prompts = [.. requests.Select(Encode)];
        List<Sequence> sequences = [];
        try
        {
            for (int i = 0; i < prompts.Length; i++)
            {
                sequences.Add(Admit(requests[i], prompts[i]));
            }

            long start = Stopwatch.GetTimestamp();
            long[] ends = RunToEnd(sequences, onToken, onStep, cancellation);
            return [.. sequences.Select((sequence, i) => Result(sequence, prompts[i], start, ends[i]))];
        }
        finally
        {
            sequences.ForEach(sequence => sequence.Dispose());
        }
    }

    /// <summary>Runs a plan of blocks over a sequence and gives its logits.</summary>
    /// <param name="tokens">The sequence, at least one token.</param>
    /// <param name="plan">The blocks that run; null runs the whole model.</param>
    /// <param name="cancellation">Ends the work between passes.</param>
    /// <exception cref="SpecDecodeException">The sequence is empty, too long, or has an id beyond the vocabulary.</exception>
    /// <exception cref="ArgumentException">The plan names a layer that the model does not have.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public LogitsResult Evaluate(IReadOnlyList<int> tokens, LayerPlan? plan = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using Call call = new(this);
        int[] sequence = [.. tokens];
        Check(sequence, sequence.Length);
        plan ??= LayerPlan.Full(LayerCount);
        CheckLayers(plan, nameof(plan));
        return PlanEvaluation.Run(_model.Stages, plan, sequence, cancellation);
    }

    /// <summary>
    /// Times a pass: embedding, the plan's blocks and the head over rows of one sequence. From these costs follows what a draft
    /// plan can gain (time of a round: draft length × one row of the draft plan, and one verifying pass).
    /// </summary>
    /// <param name="plan">The blocks that run.</param>
    /// <param name="rows">Rows in the pass, all of them scored: from 1 to what one pass and its logits hold (256 with the defaults and a vocabulary below 16,000).</param>
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
        CheckLayers(plan, nameof(plan));
        using Call call = new(this);
        return PassTiming.Median(_model.Stages, plan, rows, past, repetitions);
    }

    /// <summary>Frees the model. Waits for nothing: no call may be running.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _model.Dispose();
        }
    }

    private long[] RunToEnd(
        List<Sequence> sequences, Action<int, int>? onToken, Action<StepRecord>? onStep, CancellationToken cancellation)
    {
        long[] ends = new long[sequences.Count];
        int[] told = new int[sequences.Count];
        List<Sequence> live = [.. sequences];
        while (live.Count > 0)
        {
            if (cancellation.IsCancellationRequested)
            {
                live.ForEach(sequence => sequence.Cancel());
            }
            else
            {
                StepRecord step = _step.Run(live);
                onStep?.Invoke(step);
            }

            long now = Stopwatch.GetTimestamp();
            for (int i = 0; i < sequences.Count; i++)
            {
                for (; told[i] < sequences[i].NewTokens.Length; told[i]++)
                {
                    onToken?.Invoke(i, sequences[i].NewTokens[told[i]]);
                }

                if (ends[i] == 0 && sequences[i].FinishReason is not null)
                {
                    ends[i] = now;
                }
            }

            live.RemoveAll(sequence => sequence.FinishReason is not null);
        }

        return ends;
    }

    private Sequence Admit(GenerationRequest request, int[] prompt)
    {
        // In 64 bits: the number of new tokens is the caller's.
        int maxNewTokens = (int)Math.Min(request.MaxNewTokens, (long)MaxSequenceLength - prompt.Length);
        return new Sequence(
            prompt, maxNewTokens,
            request.IgnoreEndOfSequence ? FrozenSet<int>.Empty : _endOfSequence,
            new KvCache(_model.Stages.CreateKvStorage(prompt.Length + maxNewTokens)),
            request.Draft);
    }

    private int[] Encode(GenerationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Prompt is null == request.Tokens is null)
        {
            throw new ArgumentException("A request needs either Prompt or Tokens, and not both.", nameof(request));
        }

        if (request.MaxNewTokens < 1)
        {
            throw new ArgumentException($"MaxNewTokens is {request.MaxNewTokens}: ask for at least 1.", nameof(request));
        }

        if (request.Draft is { } draft)
        {
            Check(draft);
        }

        if (request.Prompt is not null && Tokenizer is null)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used: give the prompt as token ids.");
        }

        int[] prompt = request.Tokens is not null ? [.. request.Tokens] : Tokenizer!.Encode(request.Prompt!);
        Check(prompt, prompt.Length + 1L);
        return prompt;
    }

    private void CheckLayers(LayerPlan plan, string parameter)
    {
        if (plan.Blocks.Any(block => block.Layer >= LayerCount))
        {
            throw new ArgumentException($"The plan names a layer that the model does not have; its last is {LayerCount - 1}.", parameter);
        }
    }

    private void Check(DraftOptions draft)
    {
        ArgumentNullException.ThrowIfNull(draft.Plan, nameof(draft));
        CheckLayers(draft.Plan, nameof(draft));
        if (draft.Length is < 1 or > DraftOptions.MaxLength)
        {
            throw new ArgumentException($"The draft length is {draft.Length}: give 1 to {DraftOptions.MaxLength}.", nameof(draft));
        }

        if (!(draft.Threshold is >= 0 and <= 1))
        {
            throw new ArgumentException($"The draft threshold is {draft.Threshold}: give a probability from 0 to 1.", nameof(draft));
        }
    }

    private void Check(int[] tokens, long length)
    {
        if (tokens.Length == 0)
        {
            throw new SpecDecodeException("There is no token to start from: give a prompt that is not empty.");
        }

        if (length > MaxSequenceLength)
        {
            throw new SpecDecodeException(
                $"{tokens.Length} tokens are too many: a sequence of this model holds {MaxSequenceLength}, new tokens included. Shorten the prompt.");
        }

        int unknown = Array.FindIndex(tokens, token => (uint)token >= (uint)VocabularySize);
        if (unknown >= 0)
        {
            throw new SpecDecodeException(
                $"Token id {tokens[unknown]} (number {unknown + 1} of {tokens.Length}) is not in the vocabulary: ids go from 0 to {VocabularySize - 1}.");
        }
    }

    private GenerationResult Result(Sequence sequence, int[] prompt, long start, long end)
    {
        long first = sequence.FirstTokenTimestamp == 0 ? end : sequence.FirstTokenTimestamp;
        return new GenerationResult
        {
            PromptTokens = prompt.Length,
            Tokens = sequence.NewTokens.ToArray(),
            Text = Tokenizer is null ? null : Text(Tokenizer, prompt, sequence.NewTokens),
            FinishReason = sequence.FinishReason!.Value,
            Drafting = sequence.Statistics,
            PrefillTime = Stopwatch.GetElapsedTime(start, first),
            DecodeTime = sequence.NewTokens.Length > 1 ? Stopwatch.GetElapsedTime(first, end) : TimeSpan.Zero,
        };
    }

    private static string Text(TextTokenizer tokenizer, int[] prompt, ReadOnlySpan<int> newTokens)
    {
        TokenTextStream stream = tokenizer.CreateStream(prompt);
        System.Text.StringBuilder text = new();
        foreach (int token in newTokens)
        {
            text.Append(stream.Append(token));
        }

        return text.Append(stream.Flush()).ToString();
    }

    /// <summary>Marks the model as busy; a second call at the same time throws.</summary>
    private readonly ref struct Call : IDisposable
    {
        private readonly TextModel _model;

        public Call(TextModel model)
        {
            ObjectDisposedException.ThrowIf(model._disposed, model);
            if (Interlocked.Exchange(ref model._busy, 1) != 0)
            {
                throw new InvalidOperationException("The model is answering another call: make one call at a time.");
            }

            _model = model;
        }

        public void Dispose() => Volatile.Write(ref _model._busy, 0);
    }
}
