using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class PublishedTemplateTests
{
    [Fact]
    public void Published_templates_need_less_than_a_hundredth_of_what_a_template_may_use()
    {
        string[] templates = Directory.GetFiles(TestFolders.External("chat-templates"), "*.jinja");

        Assert.NotEmpty(templates);
        Assert.All(templates, path =>
        {
            ChatTemplate template = ChatTemplate.Parse(File.ReadAllText(path));
            using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(path, ".expected.json")));
            foreach (JsonElement one in expected.RootElement.GetProperty("cases").EnumerateArray().Where(one => one.TryGetProperty("expected", out _)))
            {
                ChatTemplateInput input = new() { Messages = one.GetProperty("messages"), Tools = one.TryGetProperty("tools", out JsonElement tools) ? tools : null };
                var variables = TemplateVariables.Of(
                    input with { BosToken = "<s>", EosToken = "</s>" }, new Dictionary<string, string>(), TestContext.Current.CancellationToken);
                RenderLimits usual = ChatTemplateLimits.Default.For(variables.Size);
                RenderLimits few = usual with
                {
                    Steps = usual.Steps / 100,
                    MemoryBytes = usual.MemoryBytes / 100,
                    CallDepth = usual.CallDepth / 10,
                };
                Assert.NotEqual("", template.Render(variables.Values, DateTimeOffset.UnixEpoch, few, TestContext.Current.CancellationToken));
            }
        });
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(3000)]
    public void Published_templates_render_conversations_of_thousands_of_messages_with_forty_tools(int messages)
    {
        ChatTemplateInput conversation = LongConversation.Of(messages, withTools: true);
        ChatTemplateInput plain = LongConversation.Of(messages, withTools: false, withSystem: false);
        string[] templates = Directory.GetFiles(TestFolders.External("chat-templates"), "*.jinja");

        Assert.NotEmpty(templates);
        Assert.All(templates, path =>
        {
            // Gemma's refuses system messages and tools.
            ChatTemplateInput input = Path.GetFileName(path).Contains("gemma", StringComparison.Ordinal) ? plain : conversation;
            string prompt = ChatTemplate.Parse(File.ReadAllText(path), path).Render(input, TestContext.Current.CancellationToken);

            Assert.True(prompt.Length > 100 * messages);
            Assert.Contains("And now?", prompt[^500..], StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("HuggingFaceTB-SmolLM3-3B")]
    [InlineData("NousResearch-Hermes-3-Llama-3.1-8B-tool_use")]
    [InlineData("Qwen-Qwen2.5-7B-Instruct")]
    [InlineData("Qwen-Qwen3-0.6B")]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B")]
    [InlineData("google-gemma-2-2b-it")]
    [InlineData("ibm-granite-granite-3.3-2B-Instruct")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct")]
    [InlineData("meta-llama-Llama-3.2-3B-Instruct")]
    [InlineData("microsoft-Phi-3.5-mini-instruct")]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407")]
    [InlineData("openai-gpt-oss-120b")]
    public void A_published_template_renders_byte_for_byte_or_refuses_in_its_own_words(string name)
    {
        string source = File.ReadAllText(TestFolders.External("chat-templates", name + ".jinja"));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(TestFolders.External("chat-templates", name + ".expected.json")));
        JsonElement root = expected.RootElement;
        JsonElement[] cases = [.. root.GetProperty("cases").EnumerateArray()];

        Assert.NotEmpty(cases);
        Assert.All(cases, one =>
        {
            ChatTemplateInput input = new()
            {
                Messages = one.GetProperty("messages"),
                Tools = one.TryGetProperty("tools", out JsonElement tools) ? tools : null,
                AddGenerationPrompt = one.GetProperty("add_generation_prompt").GetBoolean(),
                BosToken = root.GetProperty("bos_token").GetString(),
                EosToken = root.GetProperty("eos_token").GetString(),
                Now = DateTimeOffset.Parse(root.GetProperty("now").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            };
            if (one.TryGetProperty("expected", out JsonElement text))
            {
                Assert.Equal(text.GetString(), ChatTemplate.Parse(source).Render(input, TestContext.Current.CancellationToken));
            }
            else
            {
                var refused = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source).Render(input, TestContext.Current.CancellationToken));
                Assert.Equal(one.GetProperty("error").GetString(), refused.Reason);
            }
        });
    }
}
