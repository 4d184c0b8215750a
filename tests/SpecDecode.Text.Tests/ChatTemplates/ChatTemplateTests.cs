using System.Text.Json;
using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class ChatTemplateTests
{
    [Fact]
    public void Limits_that_are_null_are_refused_where_they_are_set() =>
        Assert.Throws<ArgumentNullException>(() => ChatTemplateInput.Of(new ChatMessage("user", "Hi!")) with { Limits = null! });

    [Fact]
    public void A_conversation_of_texts_needs_no_json()
    {
        var template = ChatTemplate.Parse("{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{{ '[assistant]' if add_generation_prompt }}");
        var input = ChatTemplateInput.Of(new ChatMessage("system", "Be \"brief\"."), new ChatMessage("user", "Grüße"));

        Assert.Equal("[system] Be \"brief\".\n[user] Grüße\n[assistant]", template.Render(input, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_is_not_given_is_none_or_undefined_as_in_transformers() => Assert.Equal(
        "None None True False False",
        Render("{{ tools }} {{ documents }} {{ add_generation_prompt }} {{ bos_token is defined }} {{ eos_token is defined }}", Input()));

    [Fact]
    public void Variables_win_over_everything_else() => Assert.Equal(
        "x 5 [1]",
        Render("{{ bos_token }} {{ add_generation_prompt }} {{ tools }}", Input("""{ "bos_token": "x", "add_generation_prompt": 5, "tools": [1] }""") with { BosToken = "y" }));

    [Fact]
    public void Json_numbers_keep_their_kind_and_all_their_digits() => Assert.Equal(
        "[1, 1.0, -0.0, 100000.0, 123456789012345678901234567890]",
        Render("{{ n }}", Input("""{ "n": [1, 1.0, -0.0, 1e5, 123456789012345678901234567890] }""")));

    [Fact]
    public void A_key_that_comes_twice_has_its_last_value_at_its_first_place() =>
        Assert.Equal("{'a': 3, 'b': 2}", Render("{{ d }}", Input("""{ "d": { "a": 1, "b": 2, "a": 3 } }""")));

    [Fact]
    public void The_time_is_the_one_that_is_given_or_else_the_local_one()
    {
        var template = ChatTemplate.Parse("{{ strftime_now('%Y-%m-%d %H:%M') }}");
        var given = ChatTemplateInput.Of() with { Now = new DateTimeOffset(2031, 5, 6, 7, 8, 9, TimeSpan.FromHours(2)) };

        Assert.Equal("2031-05-06 07:08", template.Render(given, TestContext.Current.CancellationToken));
        Assert.StartsWith(
            DateTimeOffset.Now.Year.ToString(System.Globalization.CultureInfo.InvariantCulture)[..2],
            template.Render(ChatTemplateInput.Of(), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_that_are_no_array_are_refused()
    {
        using JsonDocument text = JsonDocument.Parse("\"hello\"");
        ChatTemplateInput input = new() { Messages = text.RootElement.Clone() };

        var refused = Assert.Throws<SpecDecodeException>(() => ChatTemplate.Parse("x").Render(input, TestContext.Current.CancellationToken));
        Assert.Contains("must be a JSON array", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused_in_what_goes_in_and_in_what_comes_out()
    {
        var given = Assert.Throws<SpecDecodeException>(() => Render("x", Input("""{ "broken": "\ud800" }""")));
        var made = Assert.Throws<ChatTemplateException>(() => Render(@"{{ '\ud800' }}", Input()));

        Assert.Contains("'broken'", given.Message, StringComparison.Ordinal);
        Assert.Contains("not valid Unicode", made.Reason, StringComparison.Ordinal);
        Assert.Equal("\U0001F600", Render(@"{{ '\U0001F600' }}", Input()));
    }

    [Fact]
    public void One_template_serves_many_threads()
    {
        (_, string source) = CaseFiles.Families().Single(family => family.Name == "reasoning");
        var template = ChatTemplate.Parse(source);
        ChatTemplateInput[] inputs = [.. CaseFiles.Read("conversations.json").EnumerateObject()
            .Select(conversation => CaseFiles.Input(conversation.Value))
            .Where(input => !input.Variables["messages"].GetRawText().Contains("sound", StringComparison.Ordinal))];
        string[] alone = [.. inputs.Select(input => template.Render(input, TestContext.Current.CancellationToken))];

        Parallel.For(0, 400, i => Assert.Equal(alone[i % alone.Length], template.Render(inputs[i % inputs.Length])));
    }

    [Theory]
    [InlineData("a\nb {{ 1 + }}", 2, 10)]
    [InlineData("a\n  {% if x %}\n", 2, 13)]
    [InlineData("{{ 1 }}\n\n   {{ none + 1 }}", 3, 12)]
    [InlineData("{% set x = 1 %}\r\n{{ x.y.z }}", 2, 7)]
    [InlineData("{% for m in [1] %}\n  {{ m | join }}\n{% endfor %}", 2, 10)]
    [InlineData("{% macro m(a) %}\n{{ a.b }}{% endmacro %}\n{{ m() }}", 2, 5)]
    [InlineData("x {{ raise_exception('no') }}", 1, 21)]
    [InlineData("x\n{% for a, b in [1] %}{% endfor %}", 2, 8)]
    [InlineData("{# never", 1, 1)]
    [InlineData("a {{ 'b }}", 1, 6)]
    [InlineData("{{ x | nothing }}", 1, 8)]
    public void An_error_says_where_it_is(string template, int line, int column)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template, "some.jinja").Render(Input(), TestContext.Current.CancellationToken));

        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.StartsWith($"some.jinja, line {line}, column {column}: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(error.Reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_template_raises_is_said_in_its_own_words()
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render("{{ raise_exception('Roles: ' ~ 5) }}", Input()));

        Assert.Equal("Roles: 5", error.Reason);
    }

    [Theory]
    [InlineData("{% include 'a' %}", "'include' is not supported")]
    [InlineData("{% import 'a' as b %}", "'import' is not supported")]
    [InlineData("{% from 'a' import b %}", "'from' is not supported")]
    [InlineData("{% extends 'a' %}", "'extends' is not supported")]
    [InlineData("{% autoescape true %}{% endautoescape %}", "'autoescape' is not supported")]
    [InlineData("{{ [1] | random }}", "random")]
    [InlineData("{{ 'x' | urlize }}", "urlize")]
    [InlineData("{{ lipsum() }}", "lipsum")]
    [InlineData(@"{{ '\N{BULLET}' }}", "characters by name")]
    [InlineData("{{ (-8) ** 0.5 }}", "complex number")]
    public void What_Jinja2_has_and_this_engine_does_not_is_refused_by_name(string template, string said)
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render(template, Input()));

        Assert.Contains(said, error.Reason, StringComparison.Ordinal);
    }

    private static string Render(string template, ChatTemplateInput input) => ChatTemplate.Parse(template).Render(input, TestContext.Current.CancellationToken);

    private static ChatTemplateInput Input(string variables = "{}")
    {
        using JsonDocument document = JsonDocument.Parse(variables);
        return CaseFiles.Input(document.RootElement.Clone());
    }
}
