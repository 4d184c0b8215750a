using SpecDecode.ChatTemplates;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class ChatTemplateSetTests
{
    [Fact]
    public void A_template_in_the_tokenizer_config_is_the_default_and_sees_the_special_tokens()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """
            { "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ unk_token }}{{ pad_token is defined }}",
              "bos_token": "<s>", "eos_token": { "content": "</s>", "lstrip": false }, "pad_token": null }
            """);
        folder.Write("special_tokens_map.json", """{ "bos_token": "<other>", "unk_token": "<unk>" }""");
        var templates = ChatTemplateSet.Load(folder.Path);

        Assert.Equal(["default"], templates.Names);
        Assert.Equal(("<s>", "</s>"), (templates.BosToken, templates.EosToken));
        Assert.Equal("<s>Hi</s><unk>False", Render(templates, Hi));
        Assert.Equal("[Hi]<unk>False", Render(templates, Hi with { BosToken = "[", EosToken = "]" }));
    }

    [Fact]
    public void Of_named_templates_the_one_for_tools_is_taken_where_there_are_tools()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """
            { "chat_template": [ { "name": "default", "template": "plain" }, { "name": "tool_use", "template": "{{ tools | length }} tools" }, { "name": "rag", "template": "rag" } ] }
            """);
        var templates = ChatTemplateSet.Load(folder.Path);

        Assert.Equal(["default", "tool_use", "rag"], templates.Names);
        Assert.Equal("plain", Render(templates, Hi));
        Assert.Equal("1 tools", Render(templates, Hi with { Tools = Hi.Messages }));
        Assert.Equal("rag", templates.Get("rag").Render(Hi, TestContext.Current.CancellationToken));
        Assert.Contains("'default', 'tool_use', 'rag'", Assert.Throws<CheckpointException>(() => templates.Get("other")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_template_files_win_over_the_tokenizer_config()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """{ "chat_template": "of the config", "bos_token": "<s>" }""");
        folder.Write("chat_template.jinja", "\uFEFF{{ bos_token }}of the file\n");
        Directory.CreateDirectory(Path.Combine(folder.Path, "additional_chat_templates"));
        folder.Write(Path.Combine("additional_chat_templates", "tool_use.jinja"), "with tools");
        var templates = ChatTemplateSet.Load(folder.Path);

        Assert.Equal("<s>of the file", Render(templates, Hi));
        Assert.Equal("with tools", Render(templates, Hi with { Tools = Hi.Messages }));
    }

    [Fact]
    public void A_template_file_needs_no_tokenizer_config()
    {
        using TemporaryFolder folder = new();
        folder.Write("chat_template.jinja", "x{{ bos_token }}");

        Assert.Equal("x", Render(ChatTemplateSet.Load(folder.Path), Hi));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "chat_template": null }""")]
    [InlineData("""{ "chat_template": [] }""")]
    [InlineData(null)]
    public void A_folder_without_a_template_is_refused_with_what_to_do(string? config)
    {
        using TemporaryFolder folder = new();
        if (config is not null)
        {
            folder.Write("tokenizer_config.json", config);
        }

        var refused = Assert.Throws<CheckpointException>(() => ChatTemplateSet.Load(folder.Path));
        Assert.Equal(folder.Path, refused.Path);
        Assert.Contains("has no chat template", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "chat_template": 5 }""", "\"chat_template\"")]
    [InlineData("""{ "chat_template": ["x"] }""", "\"name\"")]
    [InlineData("""{ "chat_template": [{ "name": "default" }] }""", "\"template\"")]
    [InlineData("""{ "chat_template": "x", "bos_token": 5 }""", "\"bos_token\"")]
    [InlineData("""{ "chat_template": "x", "eos_token": { "text": "y" } }""", "\"eos_token\"")]
    [InlineData("""{ "chat_template": "\ud800" }""", "not valid Unicode")]
    [InlineData("""[ "chat_template" ]""", "JSON object")]
    [InlineData("""{ "chat_template": """, "not valid JSON")]
    public void A_tokenizer_config_that_is_not_what_it_should_be_is_refused_with_its_place(string config, string said)
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", config);

        var refused = Assert.Throws<CheckpointException>(() => ChatTemplateSet.Load(folder.Path));
        Assert.EndsWith("tokenizer_config.json", refused.Path, StringComparison.Ordinal);
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_cannot_be_parsed_is_named_with_its_file()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """{ "chat_template": [ { "name": "default", "template": "a\n{% if %}" } ] }""");

        var refused = Assert.Throws<ChatTemplateException>(() => ChatTemplateSet.Load(folder.Path));
        Assert.Contains("tokenizer_config.json, chat template 'default', line 2, column 7", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Templates_without_a_default_are_refused_for_a_conversation_without_tools()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokenizer_config.json", """{ "chat_template": [ { "name": "tool_use", "template": "x" } ] }""");

        Assert.Contains("'tool_use'", Assert.Throws<CheckpointException>(() => Render(ChatTemplateSet.Load(folder.Path), Hi)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_refused() =>
        Assert.Throws<CheckpointException>(() => ChatTemplateSet.Load(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString())));

    private static ChatTemplateInput Hi => ChatTemplateInput.Of(new ChatMessage("user", "Hi"));

    private static string Render(ChatTemplateSet templates, ChatTemplateInput input) => templates.Render(input, TestContext.Current.CancellationToken);
}
