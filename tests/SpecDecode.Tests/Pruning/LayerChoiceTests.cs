using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Pruning;

namespace SpecDecode.Tests.Pruning;

public sealed class LayerChoiceTests : IDisposable
{
    private const int MaxTokens = 64;

    private static readonly string[] Texts =
    [
        "Once upon a time, there was a little bird who could not sing. He was sad, because all the other birds could sing. One day he met a frog.",
        "Tom had a red ball. He liked it very much. He went to the park with his mom, and they played until it was dark.",
    ];

    private readonly TextModel _model = PlainModel.Load(
        TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, cancellationToken: TestContext.Current.CancellationToken);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Block_influence_drops_the_layers_that_turn_the_residual_least()
    {
        LayerReport report = _model.MeasureLayers(Texts, MaxTokens, cancellationToken: TestContext.Current.CancellationToken);
        LayerChoice choice = Choose(0.7, "block-influence");
        Assert.Equal(report.Layers.OrderBy(layer => layer.BlockInfluence).Take(4).Select(layer => layer.Layer).Order(), choice.Dropped);
    }

    [Fact]
    public void Greedy_drops_layer_after_layer_the_one_without_which_the_text_is_likeliest()
    {
        List<int> dropped = [];
        for (int i = 0; i < 3; i++)
        {
            dropped.Add(Enumerable.Range(1, 10).Except(dropped).MinBy(layer => Perplexity([.. dropped, layer])));
        }

        Assert.Equal(dropped.Order(), Choose(0.75, "greedy").Dropped);
    }

    [Fact]
    public void Other_methods_drop_as_they_do_for_drafts_and_as_many_as_asked()
    {
        Assert.Equal([8, 9, 10, 11], Choose(8 / 12.0, "exits").Dropped);
        Assert.Equal(6, Choose(0.5, "even").Dropped.Count);
        IReadOnlyList<int> clasp = Choose(0.75, "CLaSp").Dropped;
        Assert.Equal(3, clasp.Count);
        Assert.True(Perplexity(clasp) < Perplexity(Choose(0.75, "even").Dropped));
        Assert.All(LayerChoice.Methods, method => Assert.Equal(11, Choose(0.01, method).Dropped.Distinct().Count()));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(double.NaN)]
    public void A_share_out_of_range_is_misuse(double ratio) => Assert.Throws<ArgumentOutOfRangeException>(() => Choose(ratio, "even"));

    [Fact]
    public void Nothing_to_drop_no_such_method_and_no_text_are_sentences()
    {
        Assert.Contains("nothing would be dropped: give at most 0.917", Assert.Throws<SpecDecodeException>(() => Choose(0.99, "even")).Message, StringComparison.Ordinal);
        Assert.Contains("give one of block-influence, greedy", Assert.Throws<ArgumentException>(() => Choose(0.5, "luck")).Message, StringComparison.Ordinal);
        Assert.Contains("no token to predict", Assert.Throws<SpecDecodeException>(() => _model.ChooseLayers(0.5, "greedy", [""], 5, cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_ends_the_choice()
    {
        using CancellationTokenSource enough = new();
        Told told = new(_ => enough.Cancel());
        Assert.Throws<OperationCanceledException>(() => _model.ChooseLayers(0.5, "greedy", Texts, MaxTokens, told, enough.Token));
        Assert.Throws<OperationCanceledException>(() => _model.MeasureLayers(Texts, MaxTokens, told, enough.Token));
        Assert.Equal(6, Choose(0.5, "block-influence").Dropped.Count);
    }

    private LayerChoice Choose(double ratio, string method) => _model.ChooseLayers(ratio, method, Texts, MaxTokens, cancellationToken: TestContext.Current.CancellationToken);

    private double Perplexity(IReadOnlyList<int> dropped) => _model.Perplexity(
        Texts, MaxTokens, LayerPlan.LayerSkip(_model.LayerCount, dropped, dropped), cancellationToken: TestContext.Current.CancellationToken).Perplexity;

    private sealed class Told(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
