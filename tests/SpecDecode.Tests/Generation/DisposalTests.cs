using SpecDecode.Generation;
using SpecDecode.Tests.Hosting;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.Generation;

/// <summary>A model is never freed under a call: its end waits for the call, or is refused where that would wait for itself.</summary>
public class DisposalTests
{
    private static readonly GenerationRequest Request = new() { Tokens = [1, 2, 3], MaxTokens = 12, IgnoreEndOfSequence = true };

    [Fact]
    public void A_callback_cannot_dispose_of_the_model_that_calls_it()
    {
        TextModel model = Load();
        IReadOnlyList<int> expected = model.Generate(Request).Tokens;
        List<string> refusals = [];
        IReadOnlyList<int> tokens = model.Generate(Request, _ => refusals.Add(Assert.Throws<InvalidOperationException>(model.Dispose).Message)).Tokens;

        Assert.Equal(expected, tokens);
        Assert.Equal(12, refusals.Count);
        Assert.All(refusals, message => Assert.Contains("dispose of the model when it has returned", message, StringComparison.Ordinal));
        Assert.Equal(expected, model.Generate(Request).Tokens);
        model.Dispose();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Generate(Request));
    }

    [Fact]
    public async Task Another_thread_waits_for_the_call_that_runs()
    {
        TextModel model = Load();
        IReadOnlyList<int> expected = model.Generate(Request).Tokens;
        TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<GenerationResult> call = Task.Run(() => model.Generate(Request, _ =>
        {
            reached.TrySetResult();
            released.Task.Wait();
        }));
        await reached.Task;
        Task[] ends = [Task.Run(model.Dispose), Task.Run(model.Dispose)];

        // From here on the end is near, and waits.
        await ScriptedService.Eventually(() => Record.Exception(() => model.Generate(Request)) is ObjectDisposedException);
        Assert.All(ends, end => Assert.False(end.IsCompleted));
        released.SetResult();
        Assert.Equal(expected, (await call).Tokens);
        await Task.WhenAll(ends);
    }

    [Fact]
    public async Task The_loops_own_thread_cannot_wait_for_its_end()
    {
        using ScriptedService service = new();
        Exception? refusal = null;
        service.Stages.DuringCall = (_, _) => refusal ??= Record.Exception(service.Loop.Dispose);
        Assert.Equal(
            ScriptedService.Expected(ScriptedService.Request()), (await service.Generator.CompleteAsync(ScriptedService.Request())).Tokens);
        Assert.IsType<InvalidOperationException>(refusal);
    }

    [Fact]
    public async Task A_measurement_of_its_own_step_cannot_dispose_of_the_host()
    {
        await using TestHost host = await TestHost.Started();
        Exception? refusal = null;
        using (host.OnStep(() => refusal ??= Record.Exception(host.Catalog.Dispose)))
        {
            Assert.Equal(8, (await host.Generator.CompleteAsync(TestHost.Request())).Tokens.Count);
        }

        Assert.Contains("do it from another thread", Assert.IsType<InvalidOperationException>(refusal).Message, StringComparison.Ordinal);
    }

    private static TextModel Load() => PlainModel.Load(
        Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { CacheFolder = TestFolders.WeightCache });
}
