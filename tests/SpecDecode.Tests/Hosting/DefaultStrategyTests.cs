using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Hosting;

/// <summary>Where nobody says how to draft, a model drafts where that pays, and its texts are those of plain decoding.</summary>
public class DefaultStrategyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_says_nothing_of_drafts_drafts_by_auto()
    {
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", null));
        Assert.Contains("drafting: auto: draft length at most 16; ", Assert.Single(host.Log.Messages(2)), StringComparison.Ordinal);
        GenerationRequest request = TestHost.Request(48);
        GenerationResult plain = await host.Generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, Cancellation);
        GenerationResult drafted = await host.Generator.CompleteAsync(request, Cancellation);
        Assert.Equal(plain.Tokens, drafted.Tokens);
        Assert.Equal([DraftReason.Disabled], plain.Drafting.Reasons.Keys);
        Assert.DoesNotContain(DraftReason.Disabled, drafted.Drafting.Reasons.Keys);

        // And is told to stop, in one place.
        host.Change(("Drafting:Strategy", "none"), ("Drafting:ExitLayer", "2"), ("Drafting:Profile", "missing.json"));
        Assert.Equal(0, host.Log.Count(7));
        Assert.Equal([DraftReason.Disabled], (await host.Generator.CompleteAsync(request, Cancellation)).Drafting.Reasons.Keys);
    }

    [Fact]
    public void So_does_a_model_without_a_host()
    {
        using TextModel model = TextModel.Load(Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: Cancellation);
        GenerationRequest request = TestHost.Request(48);
        GenerationResult plain = model.Generate(request with { Drafting = DraftingOptions.None }, cancellationToken: Cancellation);
        GenerationResult drafted = model.Generate(request, cancellationToken: Cancellation);
        Assert.Equal(plain.Tokens, drafted.Tokens);
        Assert.Equal([DraftReason.Disabled], plain.Drafting.Reasons.Keys);
        Assert.DoesNotContain(DraftReason.Disabled, drafted.Drafting.Reasons.Keys);
    }
}
