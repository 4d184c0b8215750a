using System.Globalization;
using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class PublishedTemplateTests
{
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
