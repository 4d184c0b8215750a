using System.Runtime.Intrinsics.X86;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Generation;

/// <summary>Quantised, the story model still tells stories, and drafting for itself does not change them.</summary>
public sealed class PrecisionGenerationTests : IDisposable
{
    private static readonly string[] Prompts =
        ["Once upon a time, there was a little bird who could not sing.", "Tom had a red ball.", "The dog saw a cat.", "Mia liked to draw. She drew a house and"];

    private readonly TemporaryFolder _cache = new();

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Drafted_texts_alone_and_together_are_those_of_plain_decoding(Precision precision)
    {
        Assert.SkipUnless(
            Avx2.IsSupported,
            "The kernels of this processor may round a row otherwise among others.");
        using TextModel model = Load(new ModelOptions { Precision = precision });
        GenerationRequest[] plain = [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 80, IgnoreEndOfSequence = true })];
        IReadOnlyList<int>[] expected = [.. plain.Select(request => model.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Tokens)];
        foreach (LayerPlan plan in (LayerPlan[])[LayerPlan.EarlyExit(12, 2), LayerPlan.EarlyExit(12, 6), LayerPlan.LayerSkip(12, [4, 6, 8], [3, 5])])
        {
            foreach (int length in (int[])[1, 4, 11])
            {
                GenerationRequest[] drafted = [.. plain.Select(request => request with { Drafting = DraftingOptions.Of(plan) with { DraftLength = length } })];
                Assert.Equal(expected[0], model.Generate(drafted[0], cancellationToken: TestContext.Current.CancellationToken).Tokens);
                Assert.Equal(expected, model.Generate(drafted, cancellationToken: TestContext.Current.CancellationToken).Select(result => result.Tokens));
            }
        }
    }

    [Theory]
    [InlineData(Precision.Int8, ActivationPrecision.Int8, 60)]
    [InlineData(Precision.Int8, ActivationPrecision.Fp32, 60)]
    [InlineData(Precision.Int4, ActivationPrecision.Fp32, 5)]
    public void A_quantised_model_begins_a_story_as_float32_does(Precision precision, ActivationPrecision activations, int same)
    {
        using TextModel exact = Load(new ModelOptions());
        using TextModel rounded = Load(new ModelOptions { Precision = precision, Activations = activations });
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = same };
        Assert.Equal(
            exact.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Text,
            rounded.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Text);
    }

    [Fact]
    public void Models_that_come_and_go_beside_each_other_leave_each_other_s_memory_alone()
    {
        // While some load, and give back pages of the weights file that they share, others dispose what they have mapped of it.
        GenerationRequest request = new() { Prompt = "Once upon a time", MaxTokens = 12 };
        string[] expected = [.. Both().Select(Tell)];
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => Assert.Equal(expected[i % 2], Tell(Both()[i % 2])));

        string Tell(Precision precision)
        {
            using TextModel model = Load(new ModelOptions { Precision = precision });
            return model.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Text!;
        }

        static Precision[] Both() => [Precision.Int8, Precision.Int4];
    }

    [Fact]
    public void An_activation_precision_that_there_is_not_is_refused() =>
        Assert.ThrowsAny<SpecDecodeException>(() => Load(new ModelOptions { Activations = (ActivationPrecision)9 }));

    private TextModel Load(ModelOptions options)
    {
        options.CacheFolder = _cache.Path;
        return PlainModel.Load(FixtureCheckpoint.Tales, options, cancellationToken: TestContext.Current.CancellationToken);
    }
}
