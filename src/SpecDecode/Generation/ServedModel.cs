using System.Collections.Frozen;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.LayerSearch;
using SpecDecode.Models;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Generation;

/// <summary>A loaded model with the loop that serves it, from warm-up to the end.</summary>
internal sealed class ServedModel : IAsyncDisposable
{
    private const int WarmUpTokens = 12;
    private const int WarmUpDrafts = 4;

    private readonly LoadedModel _model;
    private readonly ModelDrafting _drafting;
    private readonly EngineLoop _loop;

    private ServedModel(LoadedModel model, ModelDrafting drafting, EngineLoop loop, TextGenerator generator)
    {
        _drafting = drafting;
        _model = model;
        _loop = loop;
        Generator = generator;
    }

    /// <summary>What callers see.</summary>
    public TextGenerator Generator { get; }

    /// <summary>How the model is set up now: requests that say nothing draft so.</summary>
    public ModelSetup Setup => new(_model.Precision, _model.Stages.DraftPrecision, _model.Threads?.Count, _drafting.Of(Generator.Defaults.Drafting, "Drafting."), _model.Kernels);

    /// <summary>Warms a model up and starts its loop.</summary>
    /// <param name="model">The model; belongs to the result from now on, also when this throws.</param>
    /// <param name="name">What it is called in telemetry.</param>
    /// <param name="limits">What may be taken on.</param>
    /// <param name="maxQueue">Most requests that wait beside those that are worked on.</param>
    /// <param name="defaults">What holds where a request does not say.</param>
    /// <param name="observer">Is told what the engine does.</param>
    /// <param name="tracing">What spans tell besides what they always do.</param>
    public static ServedModel Start(
        LoadedModel model, string name, SchedulerLimits limits, int maxQueue, GenerationDefaults defaults, IEngineObserver observer, RequestTracing tracing = default)
    {
        try
        {
            Scheduler scheduler = new(model.Stages, limits);
            RequestIntake intake = RequestIntake.Of(model, limits.KvBytes);
            WarmUp(scheduler, model, intake.Drafting, defaults);
            DraftKeeper keeper = new(intake.Drafting.Auto, model.Memory);
            keeper.Restore();
            model.Memory.OnFailed(observer.OnLearntNotKept);
            EngineLoop loop = new(
                scheduler, (int)Math.Min(int.MaxValue, (long)limits.MaxSequences + maxQueue), observer, $"SpecDecode {name}", intake.Drafting.Auto, keeper,
                new SpareWork(model.Stages, scheduler, intake.Drafting.Swift, limits.SearchShare));
            ModelInfo info = new()
            {
                Name = name,
                LayerCount = model.Stages.LayerCount,
                VocabularySize = model.Stages.VocabularySize,
                MaxSequenceLength = model.Stages.MaxSequenceLength,
                Precision = model.Precision,
                DraftPrecision = model.Stages.DraftPrecision,
                MaxTexts = loop.MaxInFlight,
            };
            return new ServedModel(model, intake.Drafting, loop, new TextGenerator(info, model.Tokenizer, intake, loop, defaults, model.Chat.Tokenizer) { Tracing = tracing });
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Takes no more requests, and ends when those that there are have ended.</summary>
    /// <param name="hurry">Ends them where they are.</param>
    public Task StopAsync(CancellationToken hurry) => _loop.StopAsync(hurry);

    /// <summary>Stops at once and frees the model.</summary>
    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _loop.Dispose();
        _model.Dispose();
    }

    // Binds the stages and compiles the code that the first request would else wait for: one text plain, and one with drafts of each plan
    // that may come to be chosen.
    private static void WarmUp(Scheduler scheduler, LoadedModel model, ModelDrafting drafting, GenerationDefaults defaults)
    {
        int tokens = Math.Min(WarmUpTokens, model.Stages.MaxSequenceLength - 1);
        SequenceDrafting? drafts = drafting.Of(defaults.Drafting, "Drafting.");
        IEnumerable<SequenceDrafting?> ways = drafts is null ? [] : [.. drafts.Plans.Select(plan => (SequenceDrafting?)(plan with { Length = WarmUpDrafts })), drafts];
        foreach (SequenceDrafting? draft in ways.Prepend(null))
        {
            Sequence sequence = new([0], tokens, FrozenSet<int>.Empty, null, draft);
            if (tokens < 1 || !scheduler.CanEverAdmit(sequence.Capacity))
            {
                return;
            }

            scheduler.Add(sequence);
            while (!scheduler.IsIdle)
            {
                scheduler.Step();
            }

            if (sequence.Error is { } error)
            {
                throw new SpecDecodeException($"The model failed at its first text: {error.Message.Trim()}", error);
            }
        }
    }
}
