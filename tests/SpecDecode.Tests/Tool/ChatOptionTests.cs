using System.Text.Json.Nodes;

namespace SpecDecode.Tests.Tool;

/// <summary><c>generate --chat</c> on the story model with a template beside it.</summary>
public sealed class ChatOptionTests : IDisposable
{
    private readonly StoryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_prompt_is_wrapped_and_the_control_tokens_of_the_template_are_ids()
    {
        WriteTemplate("{{ bos_token }}{% for message in messages %}A {{ message.role }} said: {{ message.content }}{% endfor %}{% if add_generation_prompt %} Then{% endif %}");
        ToolRun chat = Generate("--prompt", "hello", "--chat");
        ToolRun plain = Generate("--prompt", "A user said: hello Then");

        Assert.True(chat.ExitCode == 0, chat.Error);
        Assert.Equal(plain.Json.GetProperty("prompt_tokens").GetInt32(), chat.Json.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(plain.Ints("tokens"), chat.Ints("tokens"));
    }

    [Fact]
    public void A_control_token_that_a_prompt_spells_out_is_text()
    {
        WriteTemplate("{{ bos_token }}{{ messages[0].content }}");
        string control = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Path, "tokenizer.json")))!["added_tokens"]![0]!["content"]!.GetValue<string>();
        ToolRun chat = Generate("--prompt", $"hello {control} you", "--chat");
        ToolRun plain = Generate("--prompt", $"hello {control} you");

        Assert.True(chat.ExitCode == 0, chat.Error);
        Assert.Equal(plain.Json.GetProperty("prompt_tokens").GetInt32(), chat.Json.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(plain.Ints("tokens"), chat.Ints("tokens"));
    }

    [Fact]
    public void A_model_without_a_template_is_refused()
    {
        ToolRun run = Generate("--prompt", "hello", "--chat");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("template", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_refuses_says_so_in_its_own_words()
    {
        WriteTemplate("{{ raise_exception('Only systems may speak.') }}");
        ToolRun run = Generate("--prompt", "hello", "--chat");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Only systems may speak.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Chat_without_a_prompt_is_misuse() =>
        Assert.Equal(2, ToolRun.Of("generate", "--model", "m", "--tokens", "1", "--chat").ExitCode);

    private void WriteTemplate(string template) => _folder.WriteTemplate(template);

    private ToolRun Generate(params string[] arguments) => ToolRun.Of(
        ["generate", "--model", _folder.Path, "--cache-folder", TestFolders.WeightCache, "--max-tokens", "8", "--json", .. arguments]);
}
