namespace SpecDecode.Tests.Tool;

public sealed class CommandWordsTests
{
    [Theory]
    [InlineData("--json")]
    [InlineData("--ignore-eos")]
    public void A_vocabulary_padded_beyond_the_tokenizer_still_gives_text(string mode)
    {
        using FixtureCheckpoint model = new();
        model.Write("tokenizer.json", """{ "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "c": 2 }, "merges": [] } }""");
        ToolRun run = ToolRun.On(model, "generate", "--prompt", "ab", "--max-tokens", "5", mode);

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public void Token_ids_of_the_model_beyond_the_tokenizer_are_a_prompt_too()
    {
        using FixtureCheckpoint model = new();
        model.Write("tokenizer.json", """{ "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "c": 2 }, "merges": [] } }""");
        ToolRun run = ToolRun.On(model, "generate", "--tokens", "400", "--max-tokens", "1", "--json");

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public void Logits_that_overflow_are_a_sentence()
    {
        using FixtureCheckpoint model = new();

        // 0x7F7F is the largest bfloat16.
        model.Replace("lm_head.weight", tensor => tensor with { Bytes = [.. tensor.Bytes.Select(_ => (byte)0x7F)] });
        ToolRun run = ToolRun.On(model, "logits", "--tokens", "1,2,3");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Single(run.Complaints);
    }

    [Fact]
    public void An_empty_cache_folder_is_a_sentence()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.Of("generate", "--model", model.Folder, "--tokens", "1", "--cache-folder", "");

        Assert.InRange(run.ExitCode, 1, 2);
        Assert.NotEqual("", run.Error);
    }

    [Fact]
    public void An_empty_prompt_behind_an_equals_sign_does_not_take_the_next_option()
    {
        using FixtureCheckpoint model = new();
        model.AddTokenizer();
        ToolRun run = ToolRun.On(model, "generate", "--prompt=", "--max-tokens", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(1, run.Json.GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public void A_prompt_of_two_dashes_is_a_prompt()
    {
        using FixtureCheckpoint model = new();
        model.AddTokenizer();
        ToolRun run = ToolRun.On(model, "generate", "--prompt", "--", "--max-tokens", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Fact]
    public async Task Threads_beyond_all_reason_are_refused()
    {
        using FixtureCheckpoint model = new();
        using System.Diagnostics.Process process = ToolRun.Start(
            "generate", "--model", model.Folder, "--cache-folder", model.Cache, "--tokens", "1", "--max-tokens", "1", "--threads", "2147483647");
        ToolRun run = await ToolRun.End(process);

        Assert.InRange(run.ExitCode, 1, 2);
        Assert.Single(run.Complaints);
    }

    [Fact]
    public void No_name_of_a_parameter_is_shown()
    {
        using FixtureCheckpoint model = new();
        ToolRun run = ToolRun.On(model, "logits", "--tokens", "1", "--exit-layer", "5");

        Assert.DoesNotContain("Parameter '", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_the_wrong_kind_is_said_without_a_type_of_dotnet()
    {
        ToolRun run = ToolRun.Of("generate", "--model", "m", "--tokens", "1", "--max-tokens", "x");

        Assert.DoesNotContain("System.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_crash_left_of_another_checkpoint_is_deleted_when_it_is_a_day_old()
    {
        using FixtureCheckpoint model = new();
        Directory.CreateDirectory(model.Cache);
        string old = Path.Combine(model.Cache, "llama-0123.weights.4567.tmp");
        string recent = Path.Combine(model.Cache, "llama-89ab.weights.cdef.tmp");
        File.WriteAllText(old, "left by a crash");
        File.WriteAllText(recent, "perhaps still being written");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        ToolRun.On(model, "logits", "--tokens", "1");

        Assert.Equal([recent], Directory.GetFiles(model.Cache, "*.tmp"));
    }
}
