namespace SpecDecode.Tests.Tokenizers;

public class TokenTextStreamTests
{
    private const int A = 262; // "▁a"

    [Fact]
    public void The_first_word_loses_its_space_and_a_continuation_keeps_it()
    {
        var tokenizer = TokenizerFiles.LoadByteFallback();
        Assert.Equal("a", tokenizer.CreateStream().Append(A));
        Assert.Equal("a", tokenizer.CreateStream([1]).Append(A));
        Assert.Equal(" a", tokenizer.CreateStream([1, A]).Append(A));
    }

    [Fact]
    public void Bytes_are_held_back_until_their_character_is_whole()
    {
        var stream = TokenizerFiles.LoadByteFallback().CreateStream();
        Assert.Equal(["", "", "", "\U0001F680"], new[] { 0xF0, 0x9F, 0x9A, 0x80 }.Select(b => stream.Append(b + 3)));
        Assert.Equal("", stream.Append(0xC3 + 3));
        Assert.Equal("\uFFFD", stream.Flush());
        Assert.Equal("", stream.Flush());
        Assert.Throws<InvalidOperationException>(() => stream.Append(A));
    }

    [Fact]
    public void A_character_that_the_context_leaves_open_is_completed()
    {
        var stream = TokenizerFiles.LoadByteFallback().CreateStream([0xC3 + 3]);
        Assert.Equal("é", stream.Append(0xA9 + 3));
    }

    [Fact]
    public void Special_tokens_have_no_text_unless_asked_for()
    {
        var tokenizer = TokenizerFiles.LoadByteFallback();
        Assert.Equal("", tokenizer.CreateStream().Append(2));
        Assert.Equal("a", tokenizer.Decode([1, A, 2]));
        Assert.Equal("<s> a</s>", tokenizer.Decode([1, A, 2], skipSpecialTokens: false));
    }

    [Fact]
    public void An_id_that_no_token_has_adds_no_text_and_a_negative_one_is_refused()
    {
        var tokenizer = TokenizerFiles.LoadByteFallback();
        Assert.Equal("a a", tokenizer.Decode([1, A, 265, 1_000_000, A]));
        Assert.Equal("", tokenizer.CreateStream().Append(265));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.CreateStream().Append(-1));
    }
}
