using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Generation;

/// <summary>The façade over a scripted model: what updates say, what requests choose, what is refused at the call.</summary>
public sealed class TextGeneratorTests : IDisposable
{
    private readonly ScriptedService _service = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _service.Dispose();

    public static TheoryData<string> Drafts => ["off", "exit 2", "skip", "long", "unsure"];

    [Theory]
    [MemberData(nameof(Drafts))]
    public async Task Updates_add_up_to_the_result_however_it_is_drafted(string drafting)
    {
        GenerationRequest request = ScriptedService.Request(maxTokens: 60) with { Drafting = Draft(drafting) };
        List<GenerationUpdate> updates = await Read(request);
        GenerationResult result = updates[^1].Result!;

        Assert.Equal(ScriptedService.Expected(request), updates.Select(update => update.Token!.Value));
        Assert.Equal(result.Tokens, updates.Select(update => update.Token!.Value));
        Assert.All(updates.SkipLast(1), update => Assert.True(update.Result is null && update.FinishReason is null));
        Assert.Equal((FinishReason.Length, 5), (updates[^1].FinishReason, result.PromptTokens));
        Assert.All(updates, update => Assert.Equal("", update.Text));
        Assert.Null(result.Text);

        int Count(TokenSource source) => updates.Count(update => update.Source == source);
        DraftingStatistics drafts = result.Drafting;
        Assert.Equal(TokenSource.Plain, updates[0].Source);
        Assert.Equal(drafts.Accepted, Count(TokenSource.AcceptedDraft));
        Assert.Equal(drafts.Corrections, Count(TokenSource.Correction));
        Assert.Equal(drafts.BonusTokens, Count(TokenSource.Bonus));
        Assert.Equal(drafting == "off", drafts.Drafted == 0);
        await _service.AssertNothingIsHeld();
        Assert.Equal(1, _service.Told.Ended);
        Assert.Equal(drafts.Rounds, _service.Told.Rounds);
    }

    [Fact]
    public async Task Accepted_tokens_come_before_the_verifiers_own_in_each_round()
    {
        List<GenerationUpdate> updates = await Read(ScriptedService.Request(maxTokens: 400) with
        {
            Drafting = ScriptedService.Draft, Sampling = new SamplingOptions { Temperature = 1, Seed = 3 },
        });
        Assert.Contains(updates, update => update.Source == TokenSource.AcceptedDraft);
        Assert.Contains(updates, update => update.Source == TokenSource.Correction);
        Assert.Contains(updates, update => update.Source == TokenSource.Bonus);
        int run = 0;
        foreach (GenerationUpdate update in updates.SkipLast(1))
        {
            Assert.True(update.Source != TokenSource.Bonus || run == ScriptedService.Draft.DraftLength, "A bonus stands behind a whole draft.");
            Assert.True(update.Source != TokenSource.Correction || run < ScriptedService.Draft.DraftLength, "A correction stands in a draft.");
            run = update.Source == TokenSource.AcceptedDraft ? run + 1 : 0;
        }
    }

    [Fact]
    public async Task A_whole_text_is_the_text_that_is_read_in_pieces()
    {
        GenerationRequest request = ScriptedService.Request() with { Drafting = ScriptedService.Draft };
        GenerationResult result = await _service.Generator.CompleteAsync(request, Cancellation);
        Assert.Equal(ScriptedService.Expected(request), result.Tokens);
        Assert.Equal((await Read(request))[^1].Result!.Drafting.Accepted, result.Drafting.Accepted);
    }

    [Fact]
    public async Task The_models_end_token_and_the_callers_end_the_text_and_are_its_last_token()
    {
        GenerationRequest request = ScriptedService.Request(maxTokens: 60);
        int[] free = ScriptedService.Expected(request);
        int stop = free[25];
        int[] stopped = free[..(Array.IndexOf(free, stop) + 1)];
        foreach (DraftingOptions draft in (DraftingOptions[])[DraftingOptions.None, ScriptedService.Draft])
        {
            GenerationResult result = await _service.Generator.CompleteAsync(request with { StopTokens = [stop], Drafting = draft }, Cancellation);
            Assert.Equal((FinishReason.Stop, stop), (result.FinishReason, result.Tokens[^1]));
            Assert.Equal(stopped, result.Tokens);

            // What the sequence has is exact; what the caller does not ignore ends it sooner or where the stop token does.
            GenerationRequest both = request with { StopTokens = [stop], IgnoreEndOfSequence = false, Drafting = draft };
            Assert.Equal(ScriptedService.Expected(both), (await _service.Generator.CompleteAsync(both, Cancellation)).Tokens);
        }
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(0.8f, 7L)]
    [InlineData(1.3f, 12345L)]
    public async Task Sampling_is_the_requests_own_and_the_text_is_that_of_the_request_alone(float temperature, long? seed)
    {
        SamplingOptions sampling = new() { Temperature = temperature, Seed = seed, TopK = 20, TopP = 0.95f };
        GenerationRequest request = ScriptedService.Request(maxTokens: 40) with { Sampling = sampling };
        int[] expected = ScriptedService.Expected(request);
        foreach (DraftingOptions draft in (DraftingOptions[])[DraftingOptions.None, ScriptedService.Draft])
        {
            Assert.Equal(expected, (await _service.Generator.CompleteAsync(request with { Drafting = draft }, Cancellation)).Tokens);
        }
    }

    [Fact]
    public async Task Rejection_sampling_gives_updates_that_add_up_too()
    {
        List<GenerationUpdate> updates = await Read(ScriptedService.Request(maxTokens: 60) with
        {
            Sampling = new SamplingOptions { Temperature = 1 }, Drafting = ScriptedService.Draft,
        });
        GenerationResult result = updates[^1].Result!;
        Assert.Equal(60, result.Tokens.Count);
        Assert.Equal(result.Tokens, updates.Select(update => update.Token!.Value));
        Assert.Equal(result.Drafting.Accepted, updates.Count(update => update.Source == TokenSource.AcceptedDraft));
    }

    [Fact]
    public async Task What_a_request_does_not_say_is_the_generators_default_and_later_defaults_are_for_later_requests()
    {
        _service.Generator.Defaults = new GenerationDefaults { MaxTokens = 9, Drafting = ScriptedService.Draft };
        GenerationRequest request = ScriptedService.Request() with { MaxTokens = null };
        IAsyncEnumerable<GenerationUpdate> asked = _service.Generator.GenerateAsync(request, Cancellation);
        _service.Generator.Defaults = new GenerationDefaults { MaxTokens = 4, Drafting = DraftingOptions.None, Sampling = new SamplingOptions { Temperature = 1, Seed = 5 } };

        GenerationResult first = (await Read(asked))[^1].Result!;
        Assert.Equal(9, first.Tokens.Count);
        Assert.True(first.Drafting.Drafted > 0);
        GenerationResult second = await _service.Generator.CompleteAsync(request, Cancellation);
        Assert.Equal((4, 0L), (second.Tokens.Count, second.Drafting.Drafted));
        Assert.Equal(
            ScriptedService.Expected(request with { MaxTokens = 4, Sampling = _service.Generator.Defaults.Sampling }), second.Tokens);

        _service.Generator.Defaults = new GenerationDefaults { Drafting = ScriptedService.Draft };
        Assert.Equal(0, (await _service.Generator.CompleteAsync(request with { Drafting = DraftingOptions.None }, Cancellation)).Drafting.Drafted);
    }

    [Fact]
    public async Task Reading_an_enumeration_twice_asks_twice()
    {
        GenerationRequest request = ScriptedService.Request(maxTokens: 6);
        IAsyncEnumerable<GenerationUpdate> stream = _service.Generator.GenerateAsync(request, Cancellation);
        List<GenerationUpdate> first = await Read(stream);
        List<GenerationUpdate> second = await Read(stream);
        Assert.Equal(first.Select(update => update.Token), second.Select(update => update.Token));
        Assert.NotSame(first[^1].Result, second[^1].Result);
        Assert.Equal(2, _service.Told.Ended);
    }

    [Fact]
    public async Task An_enumeration_that_nobody_begins_takes_nothing()
    {
        _ = _service.Generator.GenerateAsync(ScriptedService.Request(), Cancellation);
        await _service.AssertNothingIsHeld();
        Assert.Equal((0, 0), (_service.Stages.Passes, _service.Told.Ended));
    }

    [Fact]
    public async Task Waiting_is_counted_from_the_reading_on_and_not_from_the_call()
    {
        IAsyncEnumerable<GenerationUpdate> stream = _service.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 2), Cancellation);
        TimeSpan pause = TimeSpan.FromMilliseconds(300);
        await Task.Delay(pause, Cancellation);
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        GenerationResult result = (await Read(stream))[^1].Result!;
        Assert.InRange(result.QueueTime, TimeSpan.Zero, watch.Elapsed);
    }

    public static TheoryData<string, Type, string> Misuse => new()
    {
        { "nothing", typeof(ArgumentException), "A request needs one of Prompt, Tokens and Messages" },
        { "both", typeof(ArgumentException), "A request needs one of Prompt, Tokens and Messages" },
        { "prompt", typeof(SpecDecodeException), "no tokenizer that can be used" },
        { "empty", typeof(SpecDecodeException), "not empty" },
        { "id", typeof(SpecDecodeException), "Token id 50 (number 2 of 2)" },
        { "too long", typeof(SpecDecodeException), "4096 tokens are too many" },
        { "no tokens", typeof(ArgumentException), "MaxTokens is 0" },
        { "temperature", typeof(ArgumentException), "Temperature is NaN" },
        { "stop token", typeof(ArgumentException), "The stop token -1" },
        { "draft length", typeof(ArgumentException), "Drafting.DraftLength is 65: give 1 to 64" },
        { "threshold", typeof(ArgumentException), "Drafting.Threshold is NaN" },
        { "plan", typeof(SpecDecodeException), "Drafting.Plan names layer 4, but the model has 4 layers: name layers from 0 to 3." },
        { "exit layer", typeof(SpecDecodeException), "Drafting.ExitLayer is 5, but the model has 4 layers: give 1 to 4." },
        { "strategy", typeof(ArgumentException), "Drafting.Strategy is 'turbo': give one of none, auto, early-exit, layer-skip, lookup, swift." },
        { "no skips", typeof(ArgumentException), "Drafting.Strategy is layer-skip, which needs SkipAttention or SkipMlp" },
    };

    [Theory]
    [MemberData(nameof(Misuse))]
    public void Misuse_throws_at_the_call_with_a_sentence(string what, Type type, string sentence)
    {
        GenerationRequest good = ScriptedService.Request();
        GenerationRequest request = what switch
        {
            "nothing" => new GenerationRequest(),
            "both" => good with { Prompt = "Once" },
            "prompt" => new GenerationRequest { Prompt = "Once" },
            "empty" => good with { Tokens = [] },
            "id" => good with { Tokens = [1, 50] },
            "too long" => good with { Tokens = new int[4096] },
            "no tokens" => good with { MaxTokens = 0 },
            "temperature" => good with { Sampling = new SamplingOptions { Temperature = float.NaN } },
            "stop token" => good with { StopTokens = [1, -1] },
            "draft length" => good with { Drafting = ScriptedService.Draft with { DraftLength = 65 } },
            "threshold" => good with { Drafting = ScriptedService.Draft with { Threshold = float.NaN } },
            "exit layer" => good with { Drafting = DraftingOptions.EarlyExit(5) },
            "strategy" => good with { Drafting = new DraftingOptions { Strategy = "turbo" } },
            "no skips" => good with { Drafting = new DraftingOptions { Strategy = "layer-skip" } },
            _ => good with { Drafting = DraftingOptions.Of(LayerPlan.Full(5)) },
        };
        foreach (Func<object> call in (Func<object>[])[
            () => _service.Generator.GenerateAsync(request, Cancellation), () => _service.Generator.CompleteAsync(request, Cancellation)])
        {
            Exception error = Assert.Throws(type, call);
            Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, _service.Stages.Passes);
    }

    [Fact]
    public void A_request_beyond_the_budget_for_keys_and_values_is_refused_at_the_call()
    {
        using ScriptedService small = new(kvBytes: 1000);
        string message = Assert.Throws<SpecDecodeException>(() => small.Generator.GenerateAsync(ScriptedService.Request(maxTokens: 4000), Cancellation)).Message;
        Assert.Contains("ask for fewer tokens, or raise KvCacheMegabytes", message, StringComparison.Ordinal);
    }

    private static DraftingOptions Draft(string drafting) => drafting switch
    {
        "exit 2" => ScriptedService.Draft,
        "skip" => DraftingOptions.Of(LayerPlan.LayerSkip(4, [1, 2], [2])) with { DraftLength = 3 },
        "long" => DraftingOptions.Of(LayerPlan.Full(4)) with { DraftLength = 64 },
        "unsure" => ScriptedService.Draft with { Threshold = 0.9f },
        _ => DraftingOptions.None,
    };

    private Task<List<GenerationUpdate>> Read(GenerationRequest request) => Read(_service.Generator.GenerateAsync(request, Cancellation));

    private static async Task<List<GenerationUpdate>> Read(IAsyncEnumerable<GenerationUpdate> stream)
    {
        List<GenerationUpdate> updates = [];
        await foreach (GenerationUpdate update in stream)
        {
            updates.Add(update);
        }

        return updates;
    }
}
