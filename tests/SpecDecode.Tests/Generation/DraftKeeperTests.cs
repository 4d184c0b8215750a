using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Tests.Hosting;
using SpecDecode.Tests.Scheduling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Generation;

/// <summary>When what drafting has learnt is written and taken, by a model that is called and by one in a host.</summary>
public sealed class DraftKeeperTests : IDisposable
{
    private static readonly DraftingOptions Auto = new() { Strategy = DraftingStrategy.Auto };

    private readonly FixtureCheckpoint _model = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_model_that_is_loaded_again_knows_what_it_has_learnt_and_one_of_another_precision_does_not()
    {
        IReadOnlyList<int> text;
        double judged;
        using (TextModel first = Load())
        {
            text = Write(first, 200).Tokens;
            for (int i = 0; i < 20 && Judged(first) == 0; i++)
            {
                Write(first, 200);
            }

            judged = Judged(first);
            Assert.Empty(Learnt());
        }

        // The few steps of a text of four tokens are plain where nothing is known, and change little where much is.
        string file = Assert.Single(Learnt());
        Assert.True(judged > 0);
        using (TextModel second = Load())
        {
            Write(second, 4);
            Assert.True(Judged(second) > 0.9 * judged, $"{Judged(second)} tokens judged after {judged}");
            Assert.Equal(text, Write(second, 200).Tokens);
        }

        Assert.Equal([file], Learnt());
        using (TextModel other = Load(new ModelOptions { Precision = Precision.Int8 }))
        {
            Write(other, 4);
            Assert.Equal(0, Judged(other));
        }

        Assert.Equal(2, Learnt().Length);
        using (TextModel third = Load(runtime: new RuntimeOptions { MaxSequences = 2 }))
        {
            Write(third, 4);
            Assert.True(Judged(third) > 0);
        }

        Assert.Equal(2, Learnt().Length);
    }

    [Fact]
    public void Where_nothing_was_learnt_nothing_is_written()
    {
        using (TextModel model = Load())
        {
            Write(model, 20, DraftingOptions.EarlyExit(2));
            Write(model, 20, DraftingOptions.None);
        }

        Assert.Empty(Learnt());
    }

    [Fact]
    public void A_damaged_file_is_told_by_a_warning_and_made_again()
    {
        using (TextModel model = Load())
        {
            Write(model, 50);
        }

        string file = Assert.Single(Learnt());
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^5]);
        using (TextModel model = Load())
        {
            Assert.Contains($"{file}: what drafting had learnt is not used, since it is damaged; it is learnt anew.", model.Warnings);
            Write(model, 50);
        }

        using TextModel again = Load();
        Assert.DoesNotContain(again.Warnings, warning => warning.Contains("learnt", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cache_that_cannot_be_written_is_told_by_a_warning_at_the_end()
    {
        string prepared = _model.Beside("prepared");
        ModelPreparation.Prepare(_model.Folder, output: prepared, cancellationToken: Cancellation);
        File.WriteAllText(_model.Beside("file"), "");
        TextModel model = PlainModel.Load(prepared, new ModelOptions { CacheFolder = Path.Combine(_model.Beside("file"), "cache") }, cancellationToken: Cancellation);
        int before = model.Warnings.Count;
        Write(model, 20);
        model.Dispose();
        Assert.StartsWith("What drafting has learnt about the model is not kept for the next time: ", Assert.Single(model.Warnings.Skip(before)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_writes_it_when_it_stops_and_takes_it_when_it_starts()
    {
        (string, string?)[] settings = [("Model:Path", _model.Folder), ("Model:CacheFolder", _model.Cache), ("Drafting:Strategy", "auto")];
        IReadOnlyList<int> text;
        await using (TestHost host = await TestHost.Started(settings))
        {
            text = (await host.Generator.CompleteAsync(TestHost.Request(200), Cancellation)).Tokens;
            await host.Host.StopAsync(Cancellation);
            Assert.Single(Learnt());
        }

        string file = Assert.Single(Learnt());
        byte[] sound = File.ReadAllBytes(file);
        await using (TestHost host = await TestHost.Started(settings))
        {
            Assert.Equal(text, (await host.Generator.CompleteAsync(TestHost.Request(200), Cancellation)).Tokens);
            Assert.DoesNotContain(host.Log.Messages(3), message => message.Contains("learnt", StringComparison.Ordinal));
        }

        Assert.NotEqual(sound, File.ReadAllBytes(file));
        File.WriteAllBytes(file, sound[1..]);
        await using TestHost damaged = await TestHost.Started(settings);
        Assert.Contains(damaged.Log.Messages(3), message => message.Contains("since it is damaged; it is learnt anew", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_that_cannot_write_it_says_so_once()
    {
        string prepared = _model.Beside("prepared");
        ModelPreparation.Prepare(_model.Folder, output: prepared, cancellationToken: Cancellation);
        File.WriteAllText(_model.Beside("file"), "");
        await using TestHost host = await TestHost.Started(
            ("Model:Path", prepared), ("Model:CacheFolder", Path.Combine(_model.Beside("file"), "cache")), ("Drafting:Strategy", "auto"));
        await host.Generator.CompleteAsync(TestHost.Request(20), Cancellation);
        await host.Host.StopAsync(Cancellation);
        Assert.Equal(1, host.Log.Count(23));
    }

    [Fact]
    public async Task An_engine_that_rests_writes_what_is_new_and_only_that()
    {
        using ScriptedStages stages = new(ScriptedService.Model, maxRows: 32);
        RequestIntake intake = new(stages, null, [], long.MaxValue);
        string folder = _model.Beside("learnt");
        DraftMemory memory = DraftMemory.Open(folder, ["x"], warning => Assert.Fail(warning));
        NotingObserver observer = new();
        using EngineLoop loop = new(
            new Scheduler(stages, SchedulerLimits.None), 10, observer, "test", intake.Drafting.Auto,
            new DraftKeeper(intake.Drafting.Auto, memory, TimeSpan.FromMilliseconds(20)));
        TextGenerator generator = new(
            new ModelInfo { Name = "x", LayerCount = 4, VocabularySize = 50, MaxSequenceLength = 4096 }, null, intake, loop, new GenerationDefaults());
        await generator.CompleteAsync(ScriptedService.Request() with { Drafting = DraftingOptions.None }, Cancellation);
        Assert.False(Directory.Exists(folder));
        Assert.Equal(0, observer.Choices);

        // While it runs on, and nobody stops it.
        await generator.CompleteAsync(ScriptedService.Request(maxTokens: 60) with { Drafting = Auto }, Cancellation);
        await ScriptedService.Eventually(() => Directory.Exists(folder) && Directory.GetFiles(folder, "*.learnt").Length == 1);
        Assert.True(observer.Choices > 2);
        PolicyState kept = DraftMemory.Open(folder, ["x"], warning => Assert.Fail(warning)).Learnt!;
        Assert.NotEmpty(kept.Plans);
    }

    private static double Judged(TextModel model) => model.EstimateDrafts().Sum(estimate => estimate.JudgedTokens);

    private static GenerationResult Write(TextModel model, int tokens, DraftingOptions? drafting = null) =>
        model.Generate(TestHost.Request(tokens) with { Drafting = drafting ?? Auto }, cancellationToken: Cancellation);

    private TextModel Load(ModelOptions? options = null, RuntimeOptions? runtime = null)
    {
        options ??= new ModelOptions();
        options.CacheFolder = _model.Cache;
        return PlainModel.Load(_model.Folder, options, runtime, cancellationToken: Cancellation);
    }

    private string[] Learnt() => Directory.GetFiles(_model.Cache, "*.learnt");

    private sealed class NotingObserver : IEngineObserver
    {
        public int Choices { get; private set; }

        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error) => Assert.Fail(error.Message);

        public void OnChoice(in DraftChoice choice, TimeSpan time) => Choices++;
    }
}
