using System.Runtime.InteropServices;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tests.Tool;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>
/// A request whose numbers are none any more (a damaged embedding row, an overflow) ends with the error, and no other request
/// notices: not one before it, beside it, or after it in the same buffers.
/// </summary>
public sealed class PoisonedNeighbourTests
{
    private const int Poison = 201;

    private static readonly GenerationRequest[] Healthy =
    [
        new() { Tokens = [5], MaxTokens = 24, IgnoreEndOfSequence = true },
        new() { Tokens = [9, 12, 40], MaxTokens = 20, IgnoreEndOfSequence = true },
        new() { Tokens = [.. Enumerable.Range(3, 33)], MaxTokens = 12, IgnoreEndOfSequence = true },
        new()
        {
            Tokens = [30], MaxTokens = 16, IgnoreEndOfSequence = true,
            Sampling = new SamplingOptions { Temperature = 0.8f, Seed = 11 },
        },
    ];

    private static readonly GenerationRequest[] Poisoned =
    [
        new() { Tokens = [Poison], MaxTokens = 8, IgnoreEndOfSequence = true },
        new() { Tokens = [5, Poison, 6, 8], MaxTokens = 8, IgnoreEndOfSequence = true },
        new() { Tokens = [.. Enumerable.Repeat(Poison, 40)], MaxTokens = 8, IgnoreEndOfSequence = true },
    ];

    public static MatrixTheoryData<string, float> Cases => new(
        ["llama_base", "mistral", "gpt_neox", "olmo2"], [float.NaN, float.PositiveInfinity, 1e38f]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_request_of_one_row_a_pass_is_the_same_after_one_that_failed(string fixture, float number)
    {
        using FixtureCheckpoint checkpoint = Broken(fixture, number);
        using TextModel model = Load(checkpoint);
        IReadOnlyList<int>[] expected = Whole(fixture);
        foreach (GenerationRequest poisoned in Poisoned)
        {
            for (int i = 0; i < Healthy.Length; i++)
            {
                Fails(model.Generate([poisoned])[0], number);
                Assert.Equal(expected[i], model.Generate(Healthy[i]).Tokens);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Requests_are_the_same_beside_ones_that_fail(string fixture, float number)
    {
        using FixtureCheckpoint checkpoint = Broken(fixture, number);
        using TextModel model = Load(checkpoint);
        IReadOnlyList<int>[] expected = Whole(fixture);
        for (int turn = 0; turn < Poisoned.Length; turn++)
        {
            // Healthy ones between poisoned ones, which end in the same pass in which they begin, or some passes later.
            GenerationRequest[] requests =
                [Healthy[0], Poisoned[turn], Healthy[1], Poisoned[(turn + 1) % 3], Healthy[2], Healthy[3], Poisoned[(turn + 2) % 3]];
            IReadOnlyList<GenerationResult> results = model.Generate(requests);
            Assert.Equal(expected, [results[0].Tokens, results[2].Tokens, results[4].Tokens, results[5].Tokens]);
            Assert.All((GenerationResult[])[results[1], results[3], results[6]], result => Fails(result, number));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Drafted_requests_are_the_same_beside_and_after_ones_that_fail(string fixture, float number)
    {
        using FixtureCheckpoint checkpoint = Broken(fixture, number);
        using TextModel model = Load(checkpoint);
        DraftingOptions draft = DraftingOptions.EarlyExit(2) with { DraftLength = 3 };
        GenerationRequest[] healthy = [.. Healthy.Select(request => request with { Drafting = draft })];
        GenerationRequest[] poisoned = [.. Poisoned.Select(request => request with { Drafting = draft })];
        IReadOnlyList<int>[] expected = Whole(fixture);
        IReadOnlyList<GenerationResult> results = model.Generate([poisoned[0], healthy[0], healthy[1], poisoned[1], healthy[2], healthy[3]]);
        Assert.Equal(expected, results.Where((_, index) => index is not (0 or 3)).Select(result => result.Tokens));
        foreach (int i in (int[])[3, 2, 1, 0])
        {
            Fails(model.Generate([poisoned[i % 3]])[0], number);
            Assert.Equal(expected[i], model.Generate(healthy[i]).Tokens);
        }
    }

    [Fact]
    public void A_draft_of_a_token_whose_row_is_damaged_costs_the_draft_and_not_the_text()
    {
        // The drafter proposes this token in the second text, and the model would not have chosen it.
        const int Proposed = 77;
        using FixtureCheckpoint checkpoint = Broken("mistral", float.NaN, Proposed);
        using TextModel model = Load(checkpoint);
        DraftingOptions draft = DraftingOptions.EarlyExit(2) with { DraftLength = 3 };
        foreach ((GenerationRequest request, IReadOnlyList<int> expected) in Healthy.Zip(Whole("mistral")))
        {
            Assert.DoesNotContain(Proposed, expected);
            Assert.Equal(expected, model.Generate(request with { Drafting = draft }).Tokens);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_are_the_same_bit_for_bit_after_a_request_that_failed(string fixture, float number)
    {
        using FixtureCheckpoint checkpoint = Broken(fixture, number);
        using TextModel fresh = Load(checkpoint);
        using TextModel model = Load(checkpoint);
        foreach (int length in (int[])[1, 2, 33])
        {
            int[] tokens = [.. Enumerable.Range(8, length)];
            Fails(model.Generate([Poisoned[2]])[0], number);
            Assert.Equal(
                MemoryMarshal.Cast<float, int>(fresh.Evaluate(tokens).LastLogits.ToArray()).ToArray(),
                MemoryMarshal.Cast<float, int>(model.Evaluate(tokens).LastLogits.ToArray()).ToArray());
        }
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Quantised_models_keep_requests_apart_as_well(Precision precision)
    {
        // What is not finite cannot be rounded; a number that overflows later can.
        using FixtureCheckpoint checkpoint = Broken("llama_base", 1e38f);
        using TextModel model = Load(checkpoint, precision);
        IReadOnlyList<int>[] expected = Whole("llama_base", precision);
        foreach (GenerationRequest poisoned in Poisoned)
        {
            IReadOnlyList<GenerationResult> results = model.Generate([Healthy[0], poisoned, Healthy[1], Healthy[2], Healthy[3]]);
            Assert.Equal(expected, results.Where((_, index) => index != 1).Select(result => result.Tokens));
            Assert.Equal(expected, Healthy.Select(request => model.Generate(request).Tokens));
        }
    }

    // Which is finite may stay so, and give a text of whatever kind.
    private static void Fails(GenerationResult result, float number)
    {
        if (!float.IsFinite(number))
        {
            Assert.Equal(FinishReason.Failed, result.FinishReason);
            Assert.Contains("is NaN", result.Error!.Message, StringComparison.Ordinal);
        }
    }

    // The healthy texts, one after the other, by a model that nothing is wrong with.
    private static IReadOnlyList<int>[] Whole(string fixture, Precision precision = Precision.Fp32)
    {
        using FixtureCheckpoint checkpoint = new(fixture);
        using TextModel model = Load(checkpoint, precision);
        IReadOnlyList<int>[] texts = [.. Healthy.Select(request => model.Generate(request).Tokens)];
        Assert.All(texts, text => Assert.DoesNotContain(Poison, text));
        return texts;
    }

    private static TextModel Load(FixtureCheckpoint checkpoint, Precision precision = Precision.Fp32) =>
        PlainModel.Load(checkpoint.Folder, new ModelOptions { CacheFolder = checkpoint.Cache, Precision = precision });

    // One row of the embedding is that number; these checkpoints have a head of their own.
    private static FixtureCheckpoint Broken(string fixture, float number, int token = Poison)
    {
        string name = fixture == "gpt_neox" ? "gpt_neox.embed_in.weight" : "model.embed_tokens.weight";
        return new FixtureCheckpoint(fixture).Replace(name, tensor =>
        {
            Assert.Equal("BF16", tensor.Type);
            int width = (int)tensor.Shape[1];
            MemoryMarshal.Cast<byte, ushort>(tensor.Bytes.AsSpan()).Slice(token * width, width).Fill((ushort)(BitConverter.SingleToUInt32Bits(number) >> 16));
            return tensor;
        });
    }
}
