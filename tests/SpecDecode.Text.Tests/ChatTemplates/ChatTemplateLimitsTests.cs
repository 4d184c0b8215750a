using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class ChatTemplateLimitsTests
{
    // What templates do at each message, in the manner of published ones.
    private static readonly Dictionary<string, string> PerMessage = new(StringComparer.Ordinal)
    {
        ["the JSON of all tools"] = "{% set t = tools | tojson %}{% if loop.first %}{{ t }}{% endif %}",
        ["the JSON of all tools, printed for users"] = "{% if m.role == 'user' %}{{ tools | tojson }}{% endif %}",
        ["all messages"] = "{% for x in messages %}{% if x.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}",
        ["a selection of all messages"] = "{% set users = messages | selectattr('role', 'equalto', 'user') | list %}{{ m == users[-1] }}",
        ["the messages before"] = "{% set before = messages[:loop.index0] %}{{ before | length }}",
        ["a text that grows"] = "{% set ns.text = ns.text ~ '<' ~ m.role ~ '>' ~ m.content %}",
        ["a sum that grows"] = "{% set ns.text = ns.text + m.role + m.content %}",
        ["a list that grows"] = "{% set ns.list = ns.list + [{'role': m.role, 'content': m.content | trim}] %}",
        ["a list whose last element is joined"] =
            "{% if ns.list and ns.list[-1].role == m.role %}{% set ns.list = ns.list[:-1] + [{'role': m.role, 'content': ns.list[-1].content ~ m.content}] %}"
            + "{% else %}{% set ns.list = ns.list + [m] %}{% endif %}",
        ["a macro over all tools"] = "{% set t = schema(tools) %}{% if loop.last %}{{ t }}{% endif %}",
        ["each character"] = "{% for c in m.content %}{{ '[' if c == '<' else c }}{% endfor %}",
    };

    public static TheoryData<string> Habits => [.. PerMessage.Keys];

    [Theory]
    [MemberData(nameof(Habits))]
    public void A_conversation_of_a_thousand_messages_and_forty_tools_renders(string habit)
    {
        var template = ChatTemplate.Parse("""
            {%- macro schema(all) %}{% for t in all %}{{ t.function.name }}{% for k, v in t.function.parameters.properties.items() %}{{ k }}: {{ v.type | string }}, {{ v.description }}{% endfor %}{% endfor %}{% endmacro %}
            {%- set ns = namespace(last=-1, text='', list=[]) %}
            {%- for m in messages %}BODY<|{{ m.role }}|>{{ m.content }}{% endfor %}{{ ns.text }}{{ ns.list | length }}
            """.Replace("BODY", PerMessage[habit], StringComparison.Ordinal));

        string prompt = template.Render(LongConversation.Of(1000, withTools: true), TestContext.Current.CancellationToken);

        Assert.Contains("<|user|>And now?", prompt, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("steps", 100L)]
    [InlineData("memory", 1000L)]
    [InlineData("output", 1000L)]
    [InlineData("depth", 3L)]
    public void A_bound_that_is_set_holds_and_the_error_names_it(string bound, long value)
    {
        (ChatTemplateLimits limits, string option) = bound switch
        {
            "steps" => (new ChatTemplateLimits { MaxSteps = value }, "MaxSteps"),
            "memory" => (new ChatTemplateLimits { MaxMemoryBytes = value }, "MaxMemoryBytes"),
            "output" => (new ChatTemplateLimits { MaxOutputLength = (int)value }, "MaxOutputLength"),
            _ => (new ChatTemplateLimits { MaxCallDepth = (int)value }, "MaxCallDepth"),
        };
        var template = ChatTemplate.Parse("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}{% for i in range(2000) %}x{% endfor %}");
        ChatTemplateInput input = ChatTemplateInput.Of(new ChatMessage("user", "Hi"));

        var refused = Assert.Throws<ChatTemplateException>(() => template.Render(input with { Limits = limits }, TestContext.Current.CancellationToken));
        Assert.Contains($"ChatTemplateLimits.{option} ", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(new string('x', 2000), template.Render(input, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_bound_below_one_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(nameof(ChatTemplateLimits.MaxSteps), () => new ChatTemplateLimits { MaxSteps = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(nameof(ChatTemplateLimits.MaxMemoryBytes), () => new ChatTemplateLimits { MaxMemoryBytes = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(nameof(ChatTemplateLimits.MaxOutputLength), () => new ChatTemplateLimits { MaxOutputLength = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(nameof(ChatTemplateLimits.MaxCallDepth), () => new ChatTemplateLimits { MaxCallDepth = 0 });
        Assert.Null(new ChatTemplateLimits { MaxSteps = null }.MaxSteps);
    }

    [Fact]
    public void Defaults_are_what_the_documentation_says()
    {
        InputSize size = new() { Entries = 10, Values = 100, Characters = 3200 };
        var limits = ChatTemplateLimits.Default.For(size);
        var most = ChatTemplateLimits.Default.For(new InputSize { Entries = 1_000_000, Values = 100_000_000, Characters = 1L << 33 });

        Assert.Equal(5_000_000 + (1000 * 200) + (4 * 200 * 10), limits.Steps);
        Assert.Equal((192L << 20) + (16 * ((32 * 100) + (2 * 3200))), limits.MemoryBytes);
        Assert.Equal(16_777_216 + (32 * 3200), limits.OutputLength);
        Assert.Equal(200, limits.CallDepth);
        Assert.Equal((1_000_000_000, 268_435_456), (most.Steps, most.OutputLength));
    }

    [Fact]
    public void All_that_a_template_is_given_counts()
    {
        using JsonDocument list = JsonDocument.Parse("""[{ "ab": "cde" }, [1, null]]""");
        ChatTemplateInput input = new()
        {
            Messages = list.RootElement.Clone(),
            Tools = list.RootElement.Clone(),
            Variables = new Dictionary<string, JsonElement> { ["more"] = list.RootElement.Clone(), ["text"] = JsonSerializer.SerializeToElement("fg") },
        };
        InputSize size = TemplateVariables.Of(input, new Dictionary<string, string>(), TestContext.Current.CancellationToken).Size;

        Assert.Equal((6, (3 * 6) + 1, (3 * 5) + 2), (size.Entries, size.Values, size.Characters));
    }

    // What is in use at a time stays small, whatever is made over time.
    [Theory]
    [InlineData("{% for i in range(400) %}{% set x = text ~ i %}{% endfor %}")]
    [InlineData("{% for i in range(400) %}{% if text ~ i %}{% endif %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ text }}{% endmacro %}{% for i in range(400) %}{% set x = m() %}{% endfor %}")]
    [InlineData("{% for i in range(400) %}{% with x = text ~ i %}{% endwith %}{% endfor %}")]
    [InlineData("{% for i in range(400) %}{% set x %}{{ text }}{% endset %}{% endfor %}")]
    [InlineData("{% for i in range(400) %}{% for c in [text ~ i] %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x='') %}{% for i in range(400) %}{% set ns.x = text ~ i %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=text) %}{% for i in range(400) %}{% set ns.x = ns.x ~ i %}{% endfor %}")]
    public void What_is_no_longer_in_use_does_not_count(string template) =>
        Assert.Equal("", Rendered(template, new ChatTemplateLimits { MaxMemoryBytes = 1 << 20 }));

    // Each holds on to what it has made, by every way out of a scope that there is.
    [Theory]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(400) %}{% set ns.x = ns.x + [text ~ i] %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(400) %}{% set t = text ~ i %}{% set ns.x = ns.x + [t] %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[], t='') %}{% for i in range(400) %}{% set ns.t = text ~ i %}{% set ns.x = ns.x + [ns.t] %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[], t='') %}{% for i in range(400) %}{% set ns.t = ns.t[:9] ~ text %}{% set y = ns.t %}{% set ns.x = [ns.x, y] %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(400) %}{% macro m() %}{{ t }}{% endmacro %}{% set ns.x = ns.x + [m] %}{% set t = text ~ i %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% macro keep() %}{% set ns.x = ns.x + [caller] %}{% endmacro %}{% for i in range(400) %}{% set t = text ~ i %}{% call keep() %}{{ t }}{% endcall %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(400) %}{% set t = text ~ i %}{% for j in [1] if t %}{% set ns.x = ns.x + [loop] %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(400) %}{% set ns.x = ns.x + [namespace(y=text ~ i)] %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=none) %}{% for i in range(400) %}{% set ns.x = cycler(text ~ i, ns.x) %}{% endfor %}")]
    [InlineData("{% set it = range(400) | map('string') | map('center', 5000) | unique %}{% for i in range(400) %}{% set x = it | first %}{% endfor %}")]
    [InlineData("{% for i in range(400) %}{{ text }}{% endfor %}")]
    [InlineData("{% set x %}{% for i in range(400) %}{{ text }}{% endfor %}{% endset %}")]
    [InlineData("{% macro m() %}{% for i in range(400) %}{{ text }}{% endfor %}{% endmacro %}{% set x = m() %}")]
    [InlineData("{% macro m(n) %}{% set t = text ~ n %}{% if n %}{{ m(n - 1) }}{{ t[0] }}{% endif %}{% endmacro %}{% set x = m(150) %}")]
    [InlineData("{% set ns = namespace(x='') %}{% macro m() %}{% set ns.x = ns.x ~ text %}{% endmacro %}{% set x = [ns.x, m(), ns.x, m(), ns.x] %}{% for i in range(400) %}{{ m() }}{% endfor %}")]
    [InlineData("{% set x = [text, text] | map('upper') | list %}{% for i in range(99) %}{% for j in range(99) %}{{ x[0][:99] }}{% endfor %}{% endfor %}")]
    public void What_is_still_in_use_counts(string template) => Assert.Contains(
        "MaxMemoryBytes",
        Assert.Throws<ChatTemplateException>(() => Rendered(template, new ChatTemplateLimits { MaxMemoryBytes = 1 << 20 })).Reason,
        StringComparison.Ordinal);

    private static string Rendered(string template, ChatTemplateLimits limits)
    {
        ChatTemplateInput input = ChatTemplateInput.Of() with
        {
            Variables = new Dictionary<string, JsonElement> { ["text"] = JsonSerializer.SerializeToElement(new string('a', 5000)) },
            Limits = limits,
        };
        return ChatTemplate.Parse(template).Render(input, TestContext.Current.CancellationToken).Trim();
    }
}
