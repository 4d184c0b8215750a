using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Tests.Generation;

/// <summary>The story model, served; loaded once for the class.</summary>
public sealed class StoryService : IAsyncDisposable
{
    private readonly ServedModel _served;

    public StoryService()
    {
        RuntimeOptions runtime = new() { MaxSequences = 6 };
        LoadedModel model = ModelLoader.Load(
            TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache }, runtime, _ => { }, null, CancellationToken.None);
        _served = ServedModel.Start(model, "tales", SchedulerLimits.Of(runtime, long.MaxValue, 0), 256, new GenerationDefaults { Drafting = DraftingOptions.None }, new Nobody());
    }

    public ITextGenerator Generator => _served.Generator;

    public long KvReservedBytes => _served.Generator.Loop.KvReservedBytes;

    public ValueTask DisposeAsync() => _served.DisposeAsync();

    private sealed class Nobody : IEngineObserver
    {
        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error)
        {
        }
    }
}

/// <summary>The façade on a real model: texts, pieces, and the same words as the model called directly.</summary>
[Collection(nameof(TalesModels))]
public class StoryServiceTests(TalesModels models, StoryService service) : IClassFixture<StoryService>
{
    private static readonly DraftingOptions Draft = DraftingOptions.Of(LayerPlan.EarlyExit(12, 2)) with { DraftLength = 4 };

    private static readonly string[] Prompts = ["Once upon a time", "Tom and Lily went to the park. They saw a big red ball and", "The dog", "Zoë said: \"-Żółw\"\n"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_model_is_described()
    {
        Assert.Equal(new ModelInfo { Name = "tales", LayerCount = 12, VocabularySize = 4096, MaxSequenceLength = 1024, Precision = Precision.Bf16, MaxTexts = 262 }, service.Generator.Model);
        Assert.NotNull(service.Generator.Tokenizer);
        Assert.Equal(new GenerationDefaults { Drafting = DraftingOptions.None }, service.Generator.Defaults);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Streamed_completed_and_called_directly_the_text_is_the_same(int prompt)
    {
        foreach (DraftingOptions draft in (DraftingOptions[])[DraftingOptions.None, Draft, Draft with { Threshold = 0.5f }])
        {
            GenerationRequest request = new() { Prompt = Prompts[prompt], MaxTokens = 60, Drafting = draft };
            GenerationResult direct = models.Wide.Generate(request, cancellationToken: Cancellation);
            int[] ids = models.Wide.Tokenizer!.Encode(Prompts[prompt]);
            (GenerationResult streamed, List<GenerationUpdate> updates) = await Stream(request);
            GenerationResult completed = await service.Generator.CompleteAsync(request, Cancellation);
            models.AssertSameUpToNearTies(ids, direct.Tokens, streamed.Tokens);
            models.AssertSameUpToNearTies(ids, direct.Tokens, completed.Tokens);
            Assert.Equal(ids.Length, streamed.PromptTokens);
            Assert.Equal(draft != DraftingOptions.None, updates.Any(update => update.Source == TokenSource.AcceptedDraft));
            if (direct.Tokens.SequenceEqual(streamed.Tokens))
            {
                Assert.Equal(direct.Text, streamed.Text);
            }
        }
    }

    // A high temperature writes letters of several tokens, halves of them, and bytes that are none.
    [Fact]
    public async Task Pieces_are_whole_characters_and_together_the_text_whatever_the_tokens_are()
    {
        bool beyondAscii = false;
        for (long seed = 1; seed <= 4; seed++)
        {
            (GenerationResult result, List<GenerationUpdate> updates) = await Stream(new GenerationRequest
            {
                Prompt = "Once", MaxTokens = 150, IgnoreEndOfSequence = true, Drafting = Draft,
                Sampling = new SamplingOptions { Temperature = 4, Seed = seed },
            });
            Assert.Equal(150, result.Tokens.Count);
            Assert.Equal(models.Wide.Tokenizer!.Decode([.. models.Wide.Tokenizer.Encode("Once"), .. result.Tokens])["Once".Length..], result.Text);
            beyondAscii |= updates.Any(update => update.Text.Any(letter => letter > 127));
        }

        Assert.True(beyondAscii, "No seed wrote a letter of several bytes.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_token_ends_the_text_and_is_no_part_of_it(bool ignoresEnd)
    {
        GenerationRequest request = new() { Prompt = Prompts[0], MaxTokens = 80, IgnoreEndOfSequence = ignoresEnd };
        GenerationResult free = await service.Generator.CompleteAsync(request, Cancellation);
        int stop = models.Wide.Tokenizer!.Encode(".").Last();
        int place = free.Tokens.TakeWhile(token => token != stop).Count();
        Assert.InRange(place, 3, free.Tokens.Count - 2);
        foreach (DraftingOptions draft in (DraftingOptions[])[DraftingOptions.None, Draft])
        {
            (GenerationResult result, _) = await Stream(request with { StopTokens = [stop], Drafting = draft });
            Assert.Equal(FinishReason.Stop, result.FinishReason);
            Assert.Equal(free.Tokens.Take(place + 1), result.Tokens);
            Assert.DoesNotContain('.', result.Text!);
            Assert.StartsWith(result.Text!, free.Text!, StringComparison.Ordinal);
            Assert.True(result.Text!.Length > 10);
        }
    }

    [Fact]
    public async Task Callers_side_by_side_with_random_cancellation_get_the_text_of_each_alone()
    {
        async Task<(GenerationRequest Request, GenerationResult? Result)> Call(int number)
        {
            Random random = new(number);
            GenerationRequest request = new()
            {
                Prompt = Prompts[number % 4], MaxTokens = random.Next(5, 40), Drafting = random.Next(2) == 0 ? null : Draft with { DraftLength = random.Next(1, 6) },
            };
            using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            int leaveAfter = random.Next(3) == 0 ? random.Next(1, 5) : int.MaxValue;
            int read = 0;
            try
            {
                await foreach (GenerationUpdate update in service.Generator.GenerateAsync(request, source.Token))
                {
                    if (update.Result is not null)
                    {
                        return (request, update.Result);
                    }

                    if (++read == leaveAfter)
                    {
                        await source.CancelAsync();
                    }
                }
            }
            catch (OperationCanceledException) when (source.IsCancellationRequested)
            {
            }

            return (request, null);
        }

        (GenerationRequest Request, GenerationResult? Result)[] calls = await Task.WhenAll(Enumerable.Range(0, 24).Select(Call));
        Assert.InRange(calls.Count(call => call.Result is not null), 8, 23);
        foreach ((GenerationRequest request, GenerationResult? result) in calls.Where(call => call.Result is not null))
        {
            models.AssertSameUpToNearTies(
                models.Wide.Tokenizer!.Encode(request.Prompt!), models.Wide.Generate(request with { Drafting = DraftingOptions.None }, cancellationToken: Cancellation).Tokens, result!.Tokens);
        }

        await ScriptedService.Eventually(() => service.KvReservedBytes == 0);
    }

    // Reads it all; each piece is whole characters, and the pieces are the text.
    private async Task<(GenerationResult Result, List<GenerationUpdate> Updates)> Stream(GenerationRequest request)
    {
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in service.Generator.GenerateAsync(request, Cancellation))
        {
            updates.Add(update);
        }

        Assert.All(updates, update => Assert.DoesNotContain(update.Text.EnumerateRunes(), rune => rune.Value is >= 0xD800 and < 0xE000));
        Assert.All(updates, update => Assert.True(update.Text.Length == 0 || !(char.IsLowSurrogate(update.Text[0]) || char.IsHighSurrogate(update.Text[^1]))));
        GenerationResult result = updates[^1].Result!;
        Assert.Equal(result.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(result.Tokens, updates.Select(update => update.Token!.Value));
        Assert.Equal(result.Drafting.Accepted, updates.Count(update => update.Source == TokenSource.AcceptedDraft));
        return (result, updates);
    }
}
