using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;

#pragma warning disable xUnit1051 // Every call takes milliseconds; cancelling is what some of the tests are about.

namespace SpecDecode.Tests.Generation;

[Collection(nameof(TalesModels))]
public class TextModelTests(TalesModels models)
{
    private static readonly string[] Prompts =
    [
        "Once upon a time", "Tom and Lily went to the park. They saw a big red ball and", "The dog",
        "One day, a little girl named Mia found a shiny stone under the old tree. She took it home and showed it to her mother, "
            + "who said that it was the most beautiful stone that she had ever seen. Mia was",
    ];

    private TextModel Model => models.Wide;

    [Fact]
    public void The_model_has_the_shape_of_its_checkpoint_and_nothing_to_warn_of()
    {
        Assert.Equal((12, 4096, 1024), (Model.LayerCount, Model.VocabularySize, Model.MaxSequenceLength));
        Assert.NotNull(Model.Tokenizer);
        Assert.Empty(Model.Warnings);
        Assert.Equal(TalesModels.NarrowLength, models.Narrow.MaxSequenceLength);
    }

    [Fact]
    public void Every_token_is_the_arg_max_of_the_whole_model_after_the_tokens_before_it()
    {
        int[] prompt = Encode(Prompts[1]);
        IReadOnlyList<int> written = Model.Generate(new GenerationRequest { Tokens = prompt, MaxTokens = 40 }).Tokens;
        List<int> expected = [];
        while (expected.Count < written.Count)
        {
            LogitsResult result = Model.Evaluate([.. prompt, .. expected]);
            Assert.Equal(prompt.Length + expected.Count, result.ArgMaxPerPosition.Count);
            Assert.Equal(result.ArgMaxPerPosition[^1], result.LastLogits.Index().MaxBy(logit => logit.Item).Index);
            expected.Add(result.ArgMaxPerPosition[^1]);
        }

        Assert.Equal(40, written.Count);
        models.AssertSameUpToNearTies(prompt, expected, written);
    }

    [Fact]
    public void Texts_written_together_are_those_that_each_prompt_gives_alone()
    {
        GenerationRequest[] requests = [.. Prompts.Select((prompt, i) =>
            new GenerationRequest { Prompt = prompt, MaxTokens = 25 + 20 * i })];
        IReadOnlyList<GenerationResult> together = Model.Generate(requests);
        Assert.Equal(requests.Length, together.Count);
        for (int i = 0; i < requests.Length; i++)
        {
            int[] prompt = Encode(Prompts[i]);
            Assert.Equal(prompt.Length, together[i].PromptTokens);
            models.AssertSameUpToNearTies(prompt, Model.Generate(requests[i]).Tokens, together[i].Tokens);
        }
    }

    [Fact]
    public void More_texts_than_a_pass_has_rows_are_written_as_each_alone()
    {
        GenerationRequest[] requests = [.. Enumerable.Range(0, 9).Select(i =>
            new GenerationRequest { Tokens = Encode(Prompts[i % 4])[..(1 + i % 3)], MaxTokens = 20 })];
        IReadOnlyList<GenerationResult> together = models.Narrow.Generate(requests);
        for (int i = 0; i < requests.Length; i++)
        {
            models.AssertSameUpToNearTies(requests[i].Tokens!, Model.Generate(requests[i]).Tokens, together[i].Tokens);
        }
    }

    [Fact]
    public void A_long_prompt_read_in_small_pieces_gives_the_text_and_the_logits_of_one_read_at_once()
    {
        int[] prompt = Encode(Prompts[3]);
        Assert.InRange(prompt.Length, 31, 60);
        GenerationRequest request = new() { Tokens = prompt, MaxTokens = 30 };
        models.AssertSameUpToNearTies(prompt, Model.Generate(request).Tokens, models.Narrow.Generate(request).Tokens);

        LogitsResult pieces = models.Narrow.Evaluate(prompt);
        LogitsResult whole = Model.Evaluate(prompt);
        Assert.All(whole.LastLogits.Zip(pieces.LastLogits), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
        for (int i = 0; i < prompt.Length; i++)
        {
            models.AssertSameUpToNearTies(prompt[..(i + 1)], [whole.ArgMaxPerPosition[i]], [pieces.ArgMaxPerPosition[i]]);
        }
    }

    [Fact]
    public void An_end_of_sequence_token_ends_the_text_unless_it_is_to_be_ignored()
    {
        GenerationRequest request = new() { Prompt = Prompts[0], MaxTokens = 200 };
        GenerationResult stopped = Model.Generate(request);
        GenerationResult ignored = Model.Generate(request with { IgnoreEndOfSequence = true });

        Assert.Equal((FinishReason.Stop, FinishReason.Length), (stopped.FinishReason, ignored.FinishReason));
        Assert.Equal(stopped.Tokens.Count - 1, stopped.Tokens.ToList().IndexOf(0));
        Assert.Equal(200, ignored.Tokens.Count);
        Assert.Equal(stopped.Tokens, ignored.Tokens.Take(stopped.Tokens.Count));
        Assert.StartsWith(stopped.Text!, ignored.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_ends_at_the_longest_sequence_when_more_tokens_are_asked_for()
    {
        GenerationResult result = models.Narrow.Generate(
            new GenerationRequest { Prompt = Prompts[0], MaxTokens = int.MaxValue, IgnoreEndOfSequence = true });
        Assert.Equal(TalesModels.NarrowLength, result.PromptTokens + result.Tokens.Count);
        Assert.Equal(FinishReason.Length, result.FinishReason);
    }

    [Fact]
    public void The_text_is_what_the_new_tokens_add_to_the_prompt_s()
    {
        GenerationResult result = Model.Generate(new GenerationRequest { Prompt = Prompts[2], MaxTokens = 20 });
        int[] prompt = Encode(Prompts[2]);
        Assert.Equal(Model.Tokenizer!.Decode([.. prompt, .. result.Tokens]), Model.Tokenizer.Decode(prompt) + result.Text);
        Assert.NotEmpty(result.Text!);
    }

    [Fact]
    public void Times_are_there_when_there_was_something_to_time()
    {
        GenerationResult one = Model.Generate(new GenerationRequest { Prompt = Prompts[0], MaxTokens = 1 });
        GenerationResult two = Model.Generate(new GenerationRequest { Prompt = Prompts[0], MaxTokens = 2 });
        Assert.True(one.PrefillTime > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, one.DecodeTime);
        Assert.Null(one.TokensPerSecond);
        Assert.True(two.DecodeTime > TimeSpan.Zero);
        Assert.Equal(1 / two.DecodeTime.TotalSeconds, two.TokensPerSecond);
    }

    [Fact]
    public void A_plan_of_all_blocks_is_the_model_and_one_that_skips_is_not()
    {
        int[] prompt = Encode(Prompts[1]);
        IReadOnlyList<float> whole = Model.Evaluate(prompt).LastLogits;
        Assert.Equal(whole, Model.Evaluate(prompt, LayerPlan.Full(12)).LastLogits);
        Assert.Equal(
            Model.Evaluate(prompt, LayerPlan.EarlyExit(12, 3)).LastLogits,
            Model.Evaluate(prompt, LayerPlan.LayerSkip(12, Enumerable.Range(3, 9), Enumerable.Range(3, 9))).LastLogits);
        for (int layer = 0; layer < 12; layer++)
        {
            Assert.NotEqual(whole, Model.Evaluate(prompt, LayerPlan.LayerSkip(12, [layer], [])).LastLogits);
            Assert.NotEqual(whole, Model.Evaluate(prompt, LayerPlan.LayerSkip(12, [], [layer])).LastLogits);
        }
    }

    [Fact]
    public void A_call_without_requests_has_no_results() => Assert.Empty(Model.Generate([]));

    private int[] Encode(string text) => Model.Tokenizer!.Encode(text);
}
