using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Tests.Generation;

public sealed class GenerateEachTests : IDisposable
{
    private const int Live = 3;

    private readonly TextModel _model = PlainModel.Load(
        TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, new RuntimeOptions { MaxSequences = Live });

    public void Dispose() => _model.Dispose();

    [Fact]
    public void As_many_texts_as_may_be_are_in_work_until_the_last_is_begun_and_no_more_are_held()
    {
        int begun = 0;
        int ended = 0;
        List<int> atEachStep = [];
        IEnumerable<GenerationRequest> Requests()
        {
            for (; begun < 12; begun++)
            {
                Assert.True(begun - ended < Live, $"{begun - ended} texts were in work and another one was asked for.");
                yield return Request(begun);
            }
        }

        _model.GenerateEach(Requests(), (_, _) => ended++, step => atEachStep.Add(step.Sequences), TestContext.Current.CancellationToken);

        Assert.Equal(12, ended);

        // Lengths differ, so waves would leave places empty on the way; here that happens only behind the last one.
        Assert.True(atEachStep.TakeWhile(count => count == Live).Count() > 30, string.Join(' ', atEachStep));
        Assert.Equal(atEachStep.OrderDescending(), atEachStep);
    }

    [Fact]
    public void Each_text_is_that_of_the_request_alone_under_the_request_s_number()
    {
        Dictionary<long, GenerationResult> results = [];
        _model.GenerateEach(Enumerable.Range(0, 9).Select(Request), results.Add, cancellationToken: TestContext.Current.CancellationToken);

        for (int i = 0; i < 9; i++)
        {
            Assert.Equal(_model.Generate(Request(i), cancellationToken: TestContext.Current.CancellationToken).Tokens, results[i].Tokens);
        }
    }

    [Fact]
    public void A_request_that_cannot_be_served_has_a_result_and_ends_no_other()
    {
        Dictionary<long, GenerationResult> results = [];
        GenerationRequest[] requests = [Request(0), new() { Tokens = [-1] }, new() { Prompt = "a", Tokens = [1] }, new() { Tokens = [] }, Request(1)];
        _model.GenerateEach(requests, results.Add, cancellationToken: TestContext.Current.CancellationToken);

        Assert.All((int[])[1, 2, 3], number => Assert.Equal(FinishReason.Failed, results[number].FinishReason));
        Assert.All((int[])[1, 2, 3], number => Assert.NotNull(results[number].Error));
        Assert.All((int[])[0, 4], number => Assert.Equal(FinishReason.Length, results[number].FinishReason));
    }

    [Fact]
    public void Cancelling_ends_the_texts_in_work_and_begins_no_more()
    {
        using CancellationTokenSource cancellation = new();
        List<GenerationResult> results = [];
        int begun = 0;
        IEnumerable<GenerationRequest> Endless()
        {
            while (true)
            {
                begun++;
                yield return Request(begun);
            }
        }

        _model.GenerateEach(
            Endless(),
            (_, result) =>
            {
                results.Add(result);
                if (results.Count == 4)
                {
                    cancellation.Cancel();
                }
            },
            cancellationToken: cancellation.Token);

        Assert.Equal(begun, results.Count);
        Assert.Contains(results, result => result.FinishReason == FinishReason.Cancelled);
    }

    [Fact]
    public void A_callback_that_throws_leaves_nothing_behind()
    {
        Assert.Throws<IOException>(() => _model.GenerateEach(
            Enumerable.Range(0, 9).Select(Request), (_, _) => throw new IOException("full"), cancellationToken: TestContext.Current.CancellationToken));

        int results = 0;
        _model.GenerateEach([Request(0)], (_, _) => results++, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, results);
    }

    private static GenerationRequest Request(int number) => new()
    {
        Prompt = $"Once upon a time {number}",
        MaxTokens = 8 + 7 * number % 19,
        IgnoreEndOfSequence = true,
        Drafting = number % 2 == 0 ? DraftingOptions.None : DraftingOptions.EarlyExit(2),
    };
}
