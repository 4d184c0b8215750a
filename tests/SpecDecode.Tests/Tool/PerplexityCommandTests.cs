namespace SpecDecode.Tests.Tool;

public sealed class PerplexityCommandTests : IDisposable
{
    private const string Story =
        "Once upon a time, there was a little bird who could not sing. He was sad, because all the other birds could sing.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_document_is_scored_alone_after_bos()
    {
        string both = Perplexity($"{Story}\n\n  \nTom had a red ball.\nHe liked it.\n").Output;
        (double one, int oneTokens) = Result(Perplexity(Story));
        (double two, int twoTokens) = Result(Perplexity("\n\nTom had a red ball.\r\nHe liked it."));
        (double together, int tokens) = Result(new ToolRun(0, both, ""));

        Assert.Equal(oneTokens + twoTokens, tokens);
        Assert.Equal(Math.Exp((Math.Log(one) * oneTokens + Math.Log(two) * twoTokens) / tokens), together, 1e-4);
        Assert.Equal(both, Perplexity($"Tom had a red ball.\nHe liked it.\n\n{Story}").Output);
    }

    [Fact]
    public void Only_so_many_tokens_of_a_document_count()
    {
        (_, int all) = Result(Perplexity(Story));
        Assert.InRange(all, 20, 40);
        Assert.Equal(5, Result(Perplexity(Story, "--max-tokens", "5")).Tokens);
        Assert.Equal(256, Result(Perplexity(string.Join(' ', Enumerable.Repeat(Story, 20)))).Tokens);
    }

    [Fact]
    public void A_story_is_likelier_than_its_words_in_another_order()
    {
        string shuffled = string.Join(' ', Story.Split(' ').Order(StringComparer.Ordinal));
        Assert.True(3 * Result(Perplexity(Story)).Perplexity < Result(Perplexity(shuffled)).Perplexity);
    }

    [Fact]
    public void The_sentence_and_the_object_say_the_same()
    {
        ToolRun run = Perplexity(Story, json: false);
        (double perplexity, int tokens) = Result(Perplexity(Story));
        Assert.Equal(FormattableString.Invariant($"perplexity {perplexity:f4} over {tokens} tokens of 1 documents"), run.Output.TrimEnd());
    }

    [Fact]
    public void Held_out_stories_are_as_likely_in_int8_and_nearly_in_int4()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("SPECDECODE_TEST_DATA") is not null, "SPECDECODE_TEST_DATA names no folder with third-party data.");
        string text = Path.Combine(Environment.GetEnvironmentVariable("SPECDECODE_TEST_DATA")!, "external", "heldout-stories.txt");
        (double exact, int tokens) = Result(Run(text));
        Assert.InRange(exact, 11, 12);
        Assert.InRange(tokens, 29_000, 30_000);
        Assert.InRange(Result(Run(text, "--precision", "int8")).Perplexity, exact * 0.997, exact * 1.003);
        Assert.InRange(Result(Run(text, "--precision", "int4")).Perplexity, exact * 0.975, exact * 1.025);
        Assert.InRange(Result(Run(text, "--precision", "int4", "--head-precision", "int4")).Perplexity, exact * 0.975, exact * 1.025);
    }

    [Fact]
    public void A_file_that_cannot_be_read_or_holds_no_text_is_a_sentence_that_names_it()
    {
        string empty = Write("\n \n\n");
        string latin = _folder.File("latin.txt");
        File.WriteAllBytes(latin, [0x61, 0xE9, 0x62]);
        foreach ((string path, string said) in ((string, string)[])[(empty, "no text"), (latin, "not part of UTF-8"), (_folder.File("absent"), "cannot be read"), (_folder.Path, "cannot be read")])
        {
            ToolRun run = Run(path);
            Assert.Equal(1, run.ExitCode);
            Assert.Equal("", run.Output);
            string complaint = Assert.Single(run.Complaints);
            Assert.Contains(path, complaint, StringComparison.Ordinal);
            Assert.Contains(said, complaint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_tokenizer_without_bos_leaves_a_documents_first_token_unpredicted()
    {
        using FixtureCheckpoint model = new();
        model.AddTokenizer();
        string text = Write("hello");
        Assert.Equal(5, ToolRun.On(model, "perplexity", "--text", text, "--json").Json.GetProperty("tokens").GetInt32());

        string tokenizer = File.ReadAllText(model.FileOf("tokenizer.json"));
        int at = tokenizer.IndexOf("\"post_processor\"", StringComparison.Ordinal);
        model.Write("tokenizer.json", string.Concat(tokenizer.AsSpan(0, at), "\"post_processor\": null, \"unused\"", tokenizer.AsSpan(at + 16)));
        Assert.Equal(4, ToolRun.On(model, "perplexity", "--text", text, "--json").Json.GetProperty("tokens").GetInt32());
        ToolRun single = ToolRun.On(model, "perplexity", "--text", Write("h"), "--json");
        Assert.Equal(1, single.ExitCode);
        Assert.Contains("no token to predict", Assert.Single(single.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_a_tokenizer_cannot_score_texts()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "perplexity", "--text", Write("hello"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no tokenizer", Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    private static (double Perplexity, int Tokens) Result(ToolRun run)
    {
        Assert.Equal(0, run.ExitCode);
        return (run.Json.GetProperty("perplexity").GetDouble(), run.Json.GetProperty("tokens").GetInt32());
    }

    private string Write(string text)
    {
        string path = _folder.File($"{Guid.NewGuid():n}.txt");
        File.WriteAllText(path, text);
        return path;
    }

    private ToolRun Perplexity(string text, params string[] arguments) => Run(Write(text), arguments);

    private ToolRun Perplexity(string text, bool json) => ToolRun.Of(
        ["perplexity", "--model", FixtureCheckpoint.Tales, "--cache-folder", _folder.File("cache"), "--text", Write(text), .. json ? (string[])["--json"] : []]);

    private ToolRun Run(string path, params string[] arguments) => ToolRun.Of(
        ["perplexity", "--model", FixtureCheckpoint.Tales, "--cache-folder", _folder.File("cache"), "--text", path, "--json", .. arguments]);
}
