using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.Replies;
using SpecDecode.Tests.ChatTemplates;

namespace SpecDecode.Tests.Replies;

public sealed class ReplyFormatTests
{
    private const string Messages = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n";

    [Theory]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", ToolCallSyntax.Hermes, true, false)]
    [InlineData("Qwen-Qwen2.5-7B-Instruct", ToolCallSyntax.Hermes, true, false)]
    [InlineData("Qwen-Qwen3-0.6B", ToolCallSyntax.Hermes, true, true)]
    [InlineData("HuggingFaceTB-SmolLM3-3B", ToolCallSyntax.None, false, true)]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", ToolCallSyntax.Llama3, true, false)]
    [InlineData("meta-llama-Llama-3.2-3B-Instruct", ToolCallSyntax.Llama3, true, false)]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407", ToolCallSyntax.Mistral, true, false)]
    [InlineData("openai-gpt-oss-120b", ToolCallSyntax.Harmony, true, true)]
    [InlineData("google-gemma-2-2b-it", ToolCallSyntax.None, false, false)]
    [InlineData("microsoft-Phi-3.5-mini-instruct", ToolCallSyntax.None, false, false)]
    public void Published_templates_tell_how_their_models_write(string template, ToolCallSyntax calls, bool takesTools, bool reasons)
    {
        ReplyFormat format = ReplyFormat.Of(File.ReadAllText(TestFolders.External("chat-templates", template + ".jinja")));
        Assert.Equal((calls, takesTools, reasons), (format.ToolCalls, format.TakesTools, format.HasReasoning));
    }

    [Fact]
    public void A_control_token_counts_as_the_marker_that_it_is_and_its_text_is_seen_nowhere_else()
    {
        ChatModel model = ChatModels.Of("[TOOL_CALLS]{{ tools }}" + Messages + "{% endif %}", more: ["[TOOL_CALLS]"]);
        ReplyFormat format = ReplyFormat.Of(model.Chat);
        int marker = Assert.Single(model.Chat.Tokenizer.Encode("[TOOL_CALLS]", addSpecialTokens: false, parseSpecialTokens: true));
        ReplyParser parser = format.CreateParser(["add"]);

        // As the engine gives it out: the token has no text of its own.
        List<ReplyPart> parts = [.. parser.Append("Wait. ", 5), .. parser.Append("", marker), .. parser.Append("[{\"name\": \"add\", \"arguments\": {}}]", 7), .. parser.Complete()];
        Assert.Equal(["Wait. ", "ToolCall: add({})"], ReplyReading.Joined(parts));
        Assert.Same(format, ReplyFormat.Of(model.Chat));
    }

    [Theory]
    [InlineData("<think>\n{% endif %}", null, true)]
    [InlineData("{% endif %}{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}", false, false)]
    [InlineData("{% if enable_thinking %}<think>\n{% endif %}{% endif %}{% if false %}</think>{% endif %}", true, true)]
    [InlineData("{% if enable_thinking %}<think>\n{% endif %}{% endif %}{% if false %}</think>{% endif %}", false, false)]
    public void The_prompts_end_tells_whether_a_reply_begins_in_reasoning(string end, bool? thinking, bool expected)
    {
        ReplyFormat format = ReplyFormat.Of(ChatModels.Of(Messages + end + "{# </think> #}").Chat);
        Dictionary<string, JsonElement> variables = thinking is { } value ? new() { ["enable_thinking"] = JsonElement.Parse(value ? "true" : "false") } : [];
        Assert.Equal(expected, format.BeginsInReasoning(variables));
    }

    [Fact]
    public void Names_of_calls_are_as_the_families_templates_take_them()
    {
        Assert.Matches("^[a-zA-Z0-9]{9}$", ReplyReading.Mistral.NewCallId());
        Assert.Matches("^call_[a-zA-Z0-9]{24}$", ReplyReading.Hermes.NewCallId());
        Assert.NotEqual(ReplyReading.Hermes.NewCallId(), ReplyReading.Hermes.NewCallId());
    }

    [Fact]
    public void Tools_go_into_the_system_message_where_the_template_looks_for_them_there()
    {
        Assert.True(ReplyReading.Phi.ToolsInSystemMessage);
        JsonElement tools = JsonElement.Parse("[{\"name\": \"add\"}]");
        IReadOnlyList<ChatMessage> with = ToolMessages.WithTools([new ChatMessage("system", "Be kind."), new ChatMessage("user", "Hi")], tools);
        Assert.Equal(("system", "Be kind.", "[{\"name\": \"add\"}]"), (with[0].Role, with[0].Content, with[0].Fields["tools"].GetString()));
        Assert.Equal(2, with.Count);

        with = ToolMessages.WithTools([new ChatMessage("user", "Hi")], tools);
        Assert.Equal(["system", "user"], with.Select(message => message.Role));
    }
}
