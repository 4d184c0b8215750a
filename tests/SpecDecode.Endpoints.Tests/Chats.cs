using System.Collections.Concurrent;
using SpecDecode.ChatTemplates;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>Chat templates with the story model's tokenizer.</summary>
internal static class Chats
{
    /// <summary>A plain one, without tools or reasoning.</summary>
    public const string Plain = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

    /// <summary>One in the manner of Qwen 3: calls between tags, reasoning that can be switched off.</summary>
    public const string Tools = """
        {% if tools %}# Tools
        <tools>{% for tool in tools %}
        {{ tool | tojson }}{% endfor %}
        </tools>
        {% endif %}{% for message in messages %}{{ message.role }}: {{ message.content }}{% if message.tool_calls %}{% for call in message.tool_calls %}
        <tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>{% endfor %}{% endif %}
        {% endfor %}assistant:{% if enable_thinking is defined and enable_thinking is false %}<think>

        </think>

        {% endif %}
        """;

    private static readonly ConcurrentDictionary<string, ChatTokenizer> Made = new();
    private static readonly Lazy<TextTokenizer> StoryTokenizer = new(() => TextTokenizer.LoadFromFolder(TestFolders.StoryModel));

    public static ChatTokenizer Of(string template) => Made.GetOrAdd(template, text =>
    {
        using TemporaryFolder folder = new();
        folder.Write("chat_template.jinja", text);
        return new ChatTokenizer(StoryTokenizer.Value, ChatTemplateSet.Load(folder.Path));
    });

    /// <summary>The prompt that a template makes of a request.</summary>
    public static string Prompt(ChatTokenizer chat, Generation.GenerationRequest request) => chat.Templates.Render(
        ChatTemplateInput.Of(request.Messages!) with { Tools = request.Tools, Variables = request.TemplateVariables });
}
