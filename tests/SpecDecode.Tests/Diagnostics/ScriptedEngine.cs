using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Scheduling;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>A façade over an engine whose model is scripted, with the metrics of a host.</summary>
internal sealed class ScriptedEngine : IDisposable
{
    public const string Name = "scripted";

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public ScriptedEngine(Func<SpecDecodeMetrics, IEngineObserver> observer, int maxSequences = int.MaxValue)
    {
        EngineLoop? loop = null;
        SpecDecodeMetrics metrics = new(Meters, Name, () => loop, () => null, EngineLoop.Refusals);
        loop = new EngineLoop(new Scheduler(Stages, SchedulerLimits.None with { MaxSequences = maxSequences, Admission = KvAdmission.Reserve }), 100, observer(metrics), Name);
        Loop = loop;
        Generator = new TextGenerator(
            new ModelInfo { Name = Name, LayerCount = 3, VocabularySize = 50, MaxSequenceLength = 4096 }, null, new RequestIntake(Stages, null, [], long.MaxValue), loop, new GenerationDefaults { Drafting = DraftingOptions.None });
    }

    public ScriptedStages Stages { get; } = new(new ScriptedModel(3, 50, 5), 64);

    public EngineLoop Loop { get; }

    public TextGenerator Generator { get; }

    public static GenerationRequest Request(int newTokens) => new() { Tokens = [1, 2, 3], MaxTokens = newTokens };

    public void Dispose()
    {
        Loop.Dispose();
        _services.Dispose();
    }
}
