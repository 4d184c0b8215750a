using SpecDecode.Drafting;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Generation;

/// <summary>Sequences longer than a window, as long as the model allows, and on both sides of an original context.</summary>
public sealed class ContextTests
{
    private static readonly int[] Prompt = [3, 14, 15, 9, 26, 5, 35, 8];

    [Theory]
    [InlineData("mistral")]
    [InlineData("mistral_window_1")]
    [InlineData("qwen2_windows_by_depth")]
    [InlineData("phi3")]
    [InlineData("gemma2")]
    [InlineData("smollm3_interval_windows")]
    public void A_sequence_longer_than_the_window_is_the_same_read_whole_in_pieces_and_token_by_token(string fixture)
    {
        int[] tokens = [.. Enumerable.Range(0, 100).Select(i => i * 37 % 90)];
        LogitsResult whole = Evaluate(fixture, tokens, rowsPerPass: 256);
        foreach (int rows in (int[])[1, 3, 16])
        {
            LogitsResult pieces = Evaluate(fixture, tokens, rows);
            double difference = whole.LastLogits.Zip(pieces.LastLogits, (a, b) => Math.Abs((double)a - b)).Max();
            Assert.True(difference <= 1e-3, $"{rows} rows: {difference:e2}");
        }
    }

    [Fact]
    public void What_lies_before_the_windows_of_all_layers_does_not_count()
    {
        // Three layers that see one position each: the last token alone decides.
        int[] tokens = [.. Enumerable.Range(0, 60).Select(i => i * 37 % 90)];
        using TextModel model = Load("mistral_window_1");
        LogitsResult one = model.Evaluate(tokens[..30], cancellationToken: TestContext.Current.CancellationToken);
        int[] other = [.. tokens[..29].Select(token => 89 - token), tokens[29]];
        LogitsResult two = model.Evaluate(other, cancellationToken: TestContext.Current.CancellationToken);
        double difference = one.LastLogits.Zip(two.LastLogits, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(difference <= 1e-4, $"{difference:e2}");
    }

    [Theory]
    [InlineData("mistral_window_1")]
    [InlineData("qwen2_windows_by_type_yarn")]
    [InlineData("phi3_longrope_long")]
    [InlineData("smollm3_types")]
    public void A_text_ends_where_the_context_does_and_a_prompt_beyond_it_is_refused(string fixture)
    {
        using TextModel model = Load(fixture);
        Assert.Equal(128, model.MaxSequenceLength);
        foreach (DraftingOptions? draft in (DraftingOptions?[])[null, DraftingOptions.Of(LayerPlan.EarlyExit(model.LayerCount, 2)) with { DraftLength = 5 }])
        {
            GenerationResult result = model.Generate(Request(1000, draft), cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(128 - Prompt.Length, result.Tokens.Count);
            Assert.Equal(FinishReason.Length, result.FinishReason);
        }

        int[] tooLong = [.. Enumerable.Repeat(1, 128)];
        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(
            () => model.Generate(new GenerationRequest { Tokens = tooLong, MaxTokens = 1 }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("holds 128", error.Message, StringComparison.Ordinal);
        model.Evaluate(tooLong, cancellationToken: TestContext.Current.CancellationToken);
        Assert.ThrowsAny<SpecDecodeException>(() => model.Evaluate([.. tooLong, 1], cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Sequences_on_both_sides_of_an_original_context_come_out_together_as_they_do_alone()
    {
        // 48 positions are embedded by the short divisors; which of them is decided by prompt and new tokens together.
        using TextModel model = Load("phi3_longrope_between");
        DraftingOptions draft = DraftingOptions.Of(LayerPlan.LayerSkip(model.LayerCount, [1], [2])) with { DraftLength = 3 };
        GenerationRequest[] requests = [Request(40, null), Request(41, null), Request(20, draft), Request(90, draft)];
        int[][] alone = [.. requests.Select(request => (int[])[.. model.Generate(request, cancellationToken: TestContext.Current.CancellationToken).Tokens])];
        IReadOnlyList<GenerationResult> together = model.Generate(requests, cancellationToken: TestContext.Current.CancellationToken);

        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(alone[i], together[i].Tokens);
        }

        Assert.Equal(alone[0][..20], alone[2]);
        Assert.Equal(alone[1], alone[3][..41]);
        Assert.NotEqual(alone[0], alone[1][..40]);
    }

    private static GenerationRequest Request(int newTokens, DraftingOptions? draft) =>
        new() { Tokens = Prompt, MaxTokens = newTokens, IgnoreEndOfSequence = true, Drafting = draft };

    private static LogitsResult Evaluate(string fixture, int[] tokens, int rowsPerPass)
    {
        using TextModel model = Load(fixture, rowsPerPass);
        return model.Evaluate(tokens, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static TextModel Load(string fixture, int rowsPerPass = 256) => PlainModel.Load(
        Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { CacheFolder = TestFolders.WeightCache },
        new RuntimeOptions { MaxRowsPerPass = rowsPerPass });
}
