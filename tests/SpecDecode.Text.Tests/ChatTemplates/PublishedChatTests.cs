using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

/// <summary>Each published template with each published tokenizer: ordinary conversations, and those who would write control tokens.</summary>
public sealed class PublishedChatTests
{
    public static TheoryData<string, string> Models => ChatModels.Published();

    [Theory]
    [MemberData(nameof(Models))]
    public void Ordinary_conversations_have_the_ids_of_the_rendered_text(string template, string tokenizer)
    {
        ChatModel model = ChatModels.OfPublished(template, tokenizer);
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(TestFolders.External("chat-templates", template + ".expected.json")));
        int count = 0;
        foreach (JsonElement one in cases.RootElement.GetProperty("cases").EnumerateArray().Where(one => one.TryGetProperty("expected", out _)))
        {
            ChatTemplateInput input = new()
            {
                Messages = one.GetProperty("messages"),
                Tools = one.TryGetProperty("tools", out JsonElement tools) ? tools : null,
                AddGenerationPrompt = one.GetProperty("add_generation_prompt").GetBoolean(),
                Now = DateTimeOffset.UnixEpoch,
            };
            AssertAsRendered(model, input);
            count++;
        }

        Assert.True(count > 0);

        // What looks like the beginning or the end of a control token, and what the model itself wrote.
        AssertAsRendered(model, ChatTemplateInput.Of(
            new("user", "> a quote, 1 < 2, <|, |>, [INST, im_end|> and a heart <3"), new("assistant", "<"), new("user", "|>")));
        AssertAsRendered(model, ChatTemplateInput.Of(
            new("user", "Hi"), new("assistant", string.Join(' ', model.Written) + " 4"), new("user", " and\n\n  now? ")));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_control_token_that_anybody_spells_out_is_text(string template, string tokenizer)
    {
        ChatModel model = ChatModels.OfPublished(template, tokenizer);
        foreach (string token in model.Special.Concat(model.Written))
        {
            foreach (string text in (string[])[token, $"a{token}b", $" {token} ", $"{token}{token}", $"{token[..^1]}{token}"])
            {
                AssertNoControl(model, text, content => [new("user", content)]);
                AssertNoControl(model, text, content => [new("user", "a"), new("assistant", "b"), new("user", content)]);
                if (!template.Contains("gemma", StringComparison.Ordinal))
                {
                    AssertNoControl(model, text, content => [new("system", content), new("user", "a")]);
                }

                if (model.Special.Contains(token))
                {
                    AssertNoControl(model, text, content => [new("user", "a"), new("assistant", content), new("user", "b")]);
                }
            }

            // Over two messages.
            AssertNoControl(model, token[..1], content => [new("user", content), new("assistant", token[1..]), new("user", "a")]);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Control_tokens_in_the_arguments_and_results_of_tools_are_text(string template, string tokenizer)
    {
        ChatModel model = ChatModels.OfPublished(template, tokenizer);
        int rendered = 0;
        foreach (string token in model.Special.Concat(model.Written))
        {
            if (TryEncode(model, "x") is { } plain && TryEncode(model, token) is { } hostile)
            {
                rendered++;
                Assert.Equal(model.Controls(plain), model.Controls(hostile));
            }
        }

        Assert.True(rendered > 0 || TryEncode(model, "x") is null);

        static int[]? TryEncode(ChatModel model, string text)
        {
            ChatTemplateInput input = new()
            {
                Messages = Json(new JsonArray(
                    new JsonObject { ["role"] = "user", ["content"] = "a" },
                    new JsonObject
                    {
                        ["role"] = "assistant",
                        ["content"] = "",
                        ["tool_calls"] = new JsonArray(new JsonObject
                        {
                            ["id"] = "abcdefghi", ["type"] = "function",
                            ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = new JsonObject { [$"k{text}"] = $"v{text}" } },
                        }),
                    },
                    new JsonObject { ["role"] = "tool", ["tool_call_id"] = "abcdefghi", ["name"] = "f", ["content"] = text },
                    new JsonObject { ["role"] = "user", ["content"] = "b" })),
                Tools = Json(new JsonArray(new JsonObject
                {
                    ["type"] = "function",
                    ["function"] = new JsonObject
                    {
                        ["name"] = "f", ["description"] = text,
                        ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { ["a"] = new JsonObject { ["type"] = "string", ["description"] = text } } },
                    },
                })),
            };
            try
            {
                return model.Chat.Encode(input, TestContext.Current.CancellationToken);
            }
            catch (ChatTemplateException)
            {
                return null;
            }
        }
    }

    private static JsonElement Json(JsonNode node) => JsonSerializer.SerializeToElement(node);

    private static void AssertAsRendered(ChatModel model, ChatTemplateInput input)
    {
        string? text = TryRender(model, input);
        if (text is not null)
        {
            Assert.Equal(
                model.Chat.Tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: true),
                model.Chat.Encode(input, TestContext.Current.CancellationToken));
        }
    }

    private static string? TryRender(ChatModel model, ChatTemplateInput input)
    {
        try
        {
            return model.Chat.Templates.Render(input, TestContext.Current.CancellationToken);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private static void AssertNoControl(ChatModel model, string text, Func<string, ChatMessage[]> conversation)
    {
        ChatTemplateInput hostile = ChatTemplateInput.Of(conversation(text));
        if (TryRender(model, hostile) is null)
        {
            return;
        }

        // White space stays, since some tokenizers find their own tokens by what stands before them.
        string harmless = string.Concat(text.Select(c => c == ' ' ? ' ' : 'x'));
        int[] ids = model.Chat.Encode(hostile, TestContext.Current.CancellationToken);
        Assert.True(
            model.Controls(model.Chat.Encode(ChatTemplateInput.Of(conversation(harmless)), TestContext.Current.CancellationToken)).SequenceEqual(model.Controls(ids)),
            $"'{text}' in {hostile.Messages} gave {string.Join(' ', ids)}.");
    }
}
