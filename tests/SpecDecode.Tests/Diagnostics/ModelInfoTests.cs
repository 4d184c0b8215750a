using System.Text.RegularExpressions;
using SpecDecode.Tests.Hosting;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Diagnostics;

/// <summary>How a model is set up, as metric and log tell it.</summary>
[Collection(Alone.Name)]
public sealed class ModelInfoTests
{
    [Fact]
    public async Task The_series_with_1_says_what_holds_now_and_those_of_before_are_0()
    {
        using Collector collector = new();
        await using TestHost host = await TestHost.Started(
            ("Drafting:Strategy", "Early-Exit"), ("Drafting:ExitLayer", "2"), ("Drafting:DraftLength", "3"), ("Drafting:Threshold", "0.1"));
        string threads = Threads(Assert.Single(host.Log.Messages(2)));
        string exit = $"specdecode.draft.exit_layer=2 specdecode.draft.length=3 specdecode.draft.precision=bf16 specdecode.draft.strategy=early-exit specdecode.draft.threshold=0.1 specdecode.precision=bf16 specdecode.threads={threads}";
        string skip = $"specdecode.draft.length=3 specdecode.draft.precision=bf16 specdecode.draft.skip_attention=1,2 specdecode.draft.skip_mlp=3 specdecode.draft.strategy=layer-skip specdecode.draft.threshold=0.1 specdecode.precision=bf16 specdecode.threads={threads}";
        string none = $"specdecode.draft.length=0 specdecode.draft.strategy=none specdecode.precision=bf16 specdecode.threads={threads}";
        SortedDictionary<string, long> Read() => collector.Read().Series("specdecode.model.info", "llama_base");

        Assert.Equal(new SortedDictionary<string, long> { [exit] = 1 }, Read());

        host.Change(
            ("Drafting:Strategy", "layer-skip"), ("Drafting:ExitLayer", null), ("Drafting:SkipAttention:0", "1"), ("Drafting:SkipAttention:1", "2"), ("Drafting:SkipMlp:0", "3"));
        Assert.Equal(new SortedDictionary<string, long> { [exit] = 0, [skip] = 1 }, Read());

        // A change that is wrong changes nothing.
        host.Change(("Drafting:DraftLength", "100"));
        Assert.Equal(new SortedDictionary<string, long> { [exit] = 0, [skip] = 1 }, Read());

        host.Change(("Drafting:DraftLength", "3"), ("Drafting:Strategy", "none"));
        Assert.Equal(new SortedDictionary<string, long> { [exit] = 0, [skip] = 0, [none] = 1 }, Read());

        host.Change(("Drafting:Strategy", "layer-skip"));
        Assert.Equal(new SortedDictionary<string, long> { [exit] = 0, [skip] = 1, [none] = 0 }, Read());
        Assert.EndsWith(
            $"; drafting: layer-skip: without attention [1, 2] and MLP [3], draft length 3, threshold 0.1; precision: bf16; draft precision: bf16; threads: {threads}",
            host.Log.Messages(6).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_for_drafting_is_told_with_its_precision_and_all_layers_as_its_exit()
    {
        using Collector collector = new();
        await using TestHost host = await TestHost.Started(("Model:Precision", "int8"), ("Model:DraftPrecision", "int4"), ("Drafting:Strategy", "early-exit"));
        string log = Assert.Single(host.Log.Messages(2));
        Assert.Contains("; drafting: early-exit: all layers, draft length 4, threshold 0; precision: int8; draft precision: int4; threads: ", log, StringComparison.Ordinal);
        Assert.Equal(
            [$"specdecode.draft.exit_layer=4 specdecode.draft.length=4 specdecode.draft.precision=int4 specdecode.draft.strategy=early-exit specdecode.draft.threshold=0 specdecode.precision=int8 specdecode.threads={Threads(log)}"],
            collector.Read().Series("specdecode.model.info", "llama_base").Keys);
        Assert.Equal((Precision.Int8, Precision.Int4), (host.Generator.Model.Precision, host.Generator.Model.DraftPrecision));
    }

    [Fact]
    public async Task A_model_that_drafts_nothing_says_so()
    {
        using Collector collector = new();
        await using TestHost host = await TestHost.Started();
        string log = Assert.Single(host.Log.Messages(2));
        Assert.Contains("; drafting: none; precision: bf16; draft precision: none; threads: ", log, StringComparison.Ordinal);
        Assert.Equal(
            [$"specdecode.draft.length=0 specdecode.draft.strategy=none specdecode.precision=bf16 specdecode.threads={Threads(log)}"],
            collector.Read().Series("specdecode.model.info", "llama_base").Keys);
    }

    // They belong to the process, whose first model may be another test's.
    private static string Threads(string log)
    {
        Match threads = Regex.Match(log, "; threads: (default|[1-9][0-9]*); kernels: ");
        Assert.True(threads.Success, log);
        return threads.Groups[1].Value;
    }
}
