using System.Text;
using SpecDecode.Generation;
using SpecDecode.Tokenizers;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.Generation;

/// <summary>What is too large for a model is refused by its size, before work is done for it.</summary>
[Collection(nameof(TalesModels))]
public class RequestSizeTests(TalesModels models)
{
    private static readonly GenerationRequest Small = new() { Tokens = [0], MaxTokens = 1, IgnoreEndOfSequence = true };

    [Fact]
    public void A_text_that_no_prompt_can_be_is_refused_before_it_is_encoded()
    {
        TextTokenizer tokenizer = models.Wide.Tokenizer!;
        int most = tokenizer.MostUnitsPerToken!.Value * models.Narrow.MaxSequenceLength;
        SpecDecodeException error = Refusal(new string(' ', most + 1));
        Assert.Equal(
            $"A prompt of {most + 1} characters is too long: a sequence of this model holds {TalesModels.NarrowLength} tokens of at most {tokenizer.MostUnitsPerToken} characters each. Shorten the prompt.",
            error.Message);

        // One that could be is encoded until it is far too long, and counted where it is not.
        string wordy = string.Concat(Enumerable.Repeat("x1", most / 2));
        Assert.Equal(
            $"A prompt of {wordy.Length} characters has more than {2 * TalesModels.NarrowLength} tokens, and a sequence of this model holds {TalesModels.NarrowLength}. Shorten the prompt.",
            Refusal(wordy).Message);
        Assert.Contains($"{tokenizer.Encode(wordy[..150]).Length} tokens are too many", Refusal(wordy[..150]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_tokens_than_a_sequence_holds_are_refused_without_a_copy()
    {
        int[] tokens = new int[5_000_000];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(
            "5000000 tokens are too many",
            Assert.Throws<SpecDecodeException>(() => models.Wide.Generate(Small with { Tokens = tokens })).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, tokens.Length);
    }

    [Fact]
    public void Stop_tokens_are_bounded()
    {
        Assert.Single(models.Wide.Generate(Small with { StopTokens = new int[1024] }).Tokens);
        Assert.Contains(
            "There are 1000000 stop tokens: give at most 1024.",
            Assert.Throws<ArgumentException>(() => models.Wide.Generate(Small with { StopTokens = new int[1_000_000] })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tales")]
    [InlineData("gpt2")]
    [InlineData("llama2")]
    [InlineData("phi3")]
    public void No_token_stands_for_more_of_a_text_than_the_bound_says(string name)
    {
        TextTokenizer tokenizer = name == "tales" ? models.Wide.Tokenizer! : TextTokenizer.LoadFromFolder(TestFolders.External("tokenizers", name));
        if (tokenizer.MostUnitsPerToken is not { } most)
        {
            Assert.Skip("Some of a text can vanish with this tokenizer, so it has no bound.");
            return;
        }

        // Texts of each token many times over, among them the longest, and of all sorts of characters.
        Random random = new(4);
        IEnumerable<string> texts = Enumerable.Range(0, tokenizer.VocabularySize)
            .Select(id => string.Concat(Enumerable.Repeat(tokenizer.Decode([id]), 20)))
            .Concat(Enumerable.Range(0, 500).Select(_ => RandomText(random)))
            .Append(new string(' ', 4_000)).Append(new string('\n', 4_000)).Append(new string('=', 4_000)).Append(new string('\0', 4_000));
        foreach (string text in texts)
        {
            Assert.True(text.Length <= (long)most * tokenizer.Encode(text, addSpecialTokens: false).Length, text);
        }
    }

    private static string RandomText(Random random)
    {
        StringBuilder text = new();
        for (int i = 0; i < 50; i++)
        {
            int code = random.Next(4) switch { 0 => random.Next(0x80), 1 => random.Next(0x300, 0x370), 2 => random.Next(0x10000), _ => random.Next(0x110000) };
            text.Append(Rune.IsValid(code) ? new Rune(code).ToString() : ((char)code).ToString());
        }

        return text.ToString();
    }

    private SpecDecodeException Refusal(string prompt) =>
        Assert.Throws<SpecDecodeException>(() => models.Narrow.Generate(Small with { Tokens = null, Prompt = prompt }));
}
