using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Tests.Scheduling;

#pragma warning disable xUnit1051 // Every call takes milliseconds; cancelling is what some of the tests are about.

namespace SpecDecode.Tests.Generation;

/// <summary>Calls that are refused, cancelled or interrupted: what they throw or return, and that the model serves the next one.</summary>
[Collection(nameof(TalesModels))]
public class TextModelCallTests(TalesModels models)
{
    private static readonly GenerationRequest Request = new()
    {
        Tokens = [0, 260, 270, 280], MaxTokens = 12, IgnoreEndOfSequence = true,
    };

    private TextModel Model => models.Wide;

    [Fact]
    public void A_request_that_is_null_is_refused() => Assert.Throws<ArgumentNullException>(() => Model.Generate((GenerationRequest)null!));

    [Fact]
    public void Each_token_is_told_once_in_order_and_before_the_next_is_computed()
    {
        List<int> told = [];
        GenerationResult result = Model.Generate(Request, told.Add);
        Assert.Equal(12, told.Count);
        Assert.Equal(result.Tokens, told);
    }

    [Fact]
    public void Tokens_of_several_texts_are_told_with_the_index_of_their_request()
    {
        GenerationRequest[] requests =
        [
            Request, Request with { Tokens = [0, 300], MaxTokens = 3 }, Request with { Tokens = [0, 400, 500], MaxTokens = 7 },
        ];
        List<int>[] told = [[], [], []];
        IReadOnlyList<GenerationResult> results = Model.Generate(requests, (index, token) => told[index].Add(token));
        Assert.Equal([12, 3, 7], told.Select(tokens => tokens.Count));
        Assert.All(results.Zip(told), pair => Assert.Equal(pair.First.Tokens, pair.Second));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(11)]
    public void Cancelling_gives_the_tokens_so_far(int after)
    {
        IReadOnlyList<int> whole = Model.Generate(Request).Tokens;
        using CancellationTokenSource cancellation = new();
        int told = 0;
        GenerationResult result = Model.Generate(Request, _ => CancelAt(++told, after, cancellation), cancellation.Token);

        Assert.Equal(FinishReason.Cancelled, result.FinishReason);
        Assert.Equal(whole.Take(after), result.Tokens);
        Assert.Equal(whole, Model.Generate(Request).Tokens);
    }

    [Fact]
    public void Cancelling_leaves_a_text_that_had_ended_as_it_was()
    {
        using CancellationTokenSource cancellation = new();
        int told = 0;
        IReadOnlyList<GenerationResult> results = Model.Generate(
            [Request, Request with { MaxTokens = 2 }, Request],
            (index, _) => CancelAt(told += index == 0 ? 1 : 0, 4, cancellation), cancellation.Token);
        Assert.Equal(
            [FinishReason.Cancelled, FinishReason.Length, FinishReason.Cancelled], results.Select(result => result.FinishReason));
        Assert.Equal([4, 2, 4], results.Select(result => result.Tokens.Count));
    }

    [Fact]
    public void Cancelling_in_the_last_token_comes_too_late()
    {
        using CancellationTokenSource cancellation = new();
        int told = 0;
        GenerationResult result = Model.Generate(Request, _ => CancelAt(++told, 12, cancellation), cancellation.Token);
        Assert.Equal((FinishReason.Length, 12), (result.FinishReason, result.Tokens.Count));
    }

    [Fact]
    public void A_call_that_was_cancelled_before_it_began_writes_nothing()
    {
        CancellationToken cancelled = new(canceled: true);
        GenerationResult result = Model.Generate(Request, _ => Assert.Fail("A token was written."), cancelled);
        Assert.Equal((FinishReason.Cancelled, 0, "", 4), (result.FinishReason, result.Tokens.Count, result.Text, result.PromptTokens));
        Assert.Equal(TimeSpan.Zero, result.DecodeTime);
        Assert.Throws<OperationCanceledException>(() => Model.Evaluate([1, 2], cancellationToken: cancelled));
        AssertUsable();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void A_token_id_beyond_the_vocabulary_is_refused_with_its_place(int id)
    {
        string message = Refused<SpecDecodeException>(() => Model.Generate(Request with { Tokens = [0, 1, id] }));
        Assert.Equal($"Token id {id} (number 3 of 3) is not in the vocabulary: ids go from 0 to 4095.", message);
        Assert.Equal(message, Refused<SpecDecodeException>(() => Model.Evaluate([0, 1, id])));
    }

    [Fact]
    public void A_prompt_without_tokens_is_refused()
    {
        Says("not empty", Refused<SpecDecodeException>(() => Model.Generate(Request with { Tokens = [] })));
        Says("not empty", Refused<SpecDecodeException>(() => Model.Evaluate([])));
    }

    [Fact]
    public void A_prompt_that_leaves_no_room_for_a_new_token_is_refused_and_one_shorter_gives_one()
    {
        int[] tokens = [.. Enumerable.Repeat(300, TalesModels.NarrowLength)];
        string message = Refused<SpecDecodeException>(() => models.Narrow.Generate(Request with { Tokens = tokens }));
        Says("96 tokens are too many", message);
        GenerationResult result = models.Narrow.Generate(Request with { Tokens = tokens[1..] });
        Assert.Equal((FinishReason.Length, 1), (result.FinishReason, result.Tokens.Count));

        Assert.Equal(96, models.Narrow.Evaluate(tokens).ArgMaxPerPosition.Count);
        Says("97 tokens are too many", Refused<SpecDecodeException>(() => models.Narrow.Evaluate([.. tokens, 1])));
    }

    [Fact]
    public void A_request_must_have_either_a_prompt_or_tokens()
    {
        Says("A request needs one of Prompt, Tokens and Messages", Refused<ArgumentException>(() => Model.Generate(Request with { Prompt = "The dog" })));
        Says("A request needs one of Prompt, Tokens and Messages", Refused<ArgumentException>(() => Model.Generate(new GenerationRequest())));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_request_must_ask_for_a_token(int maxTokens) => Says(
        $"MaxTokens is {maxTokens}", Refused<ArgumentException>(() => Model.Generate(Request with { MaxTokens = maxTokens })));

    [Fact]
    public void One_bad_request_refuses_the_call_before_any_token_is_written() => Refused<SpecDecodeException>(() =>
        Model.Generate([Request, Request with { Tokens = [5000] }], (_, _) => Assert.Fail("A token was written.")));

    [Fact]
    public void A_plan_for_a_deeper_model_is_refused() => Says(
        "a layer that the model does not have; its last is 11", Refused<ArgumentException>(() => Model.Evaluate([1, 2], LayerPlan.Full(13))));

    [Fact]
    public void A_call_during_another_is_refused_and_the_other_is_not_disturbed()
    {
        List<Exception?> errors = [];
        GenerationResult result = Model.Generate(Request, token =>
        {
            errors.Add(Record.Exception(() => Model.Generate(Request)));
            Thread other = new(() =>
            {
                errors.Add(Record.Exception(() => Model.Generate(Request)));
                errors.Add(Record.Exception(() => Model.Evaluate([1, 2])));
            });
            other.Start();
            other.Join();
        });

        Assert.Equal(3 * 12, errors.Count);
        Assert.All(errors, error => Assert.IsType<InvalidOperationException>(error));
        Assert.Equal(Model.Generate(Request).Tokens, result.Tokens);
    }

    [Fact]
    public void What_the_listener_throws_ends_the_call_and_reaches_the_caller()
    {
        int told = 0;
        Refused<ScriptedFailureException>(() => Model.Generate(Request, _ =>
        {
            if (++told == 3)
            {
                throw new ScriptedFailureException();
            }
        }));
        Assert.Equal(3, told);
    }

    [Fact]
    public void A_disposed_model_refuses_calls_and_can_be_disposed_again()
    {
        TextModel model = models.Load(new RuntimeOptions());
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Generate(Request));
        Assert.Throws<ObjectDisposedException>(() => model.Evaluate([1]));
        model.Dispose();
        AssertUsable();
    }

    private static void CancelAt(int told, int after, CancellationTokenSource cancellation)
    {
        if (told == after)
        {
            cancellation.Cancel();
        }
    }

    private static void Says(string part, string message) => Assert.Contains(part, message, StringComparison.Ordinal);

    // Throws the exact type, and the model then serves as if nothing had happened.
    private string Refused<TException>(Func<object> call)
        where TException : Exception
    {
        TException error = Assert.Throws<TException>(call);
        AssertUsable();
        return error.Message;
    }

    private void AssertUsable() => models.AssertSameUpToNearTies(
        Request.Tokens!, models.Narrow.Generate(Request).Tokens, Model.Generate(Request).Tokens);
}
