using System.Text.Json;
using SpecDecode.ChatTemplates;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class HostileTemplateTests
{
    private const string Forever = "{% for i in range(100000) %}{% for j in range(100000) %}BODY{% endfor %}{% endfor %}";

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("{% set y = text.find('b') %}")]
    [InlineData("{% set y = text.replace('a', 'b') %}")]
    [InlineData("{% set y = (text ~ 'b' ~ text) in (text ~ text ~ text) %}")]
    [InlineData("{% set y = text.rsplit('aaaaaaaaaaaaaaaab', 9) %}")]
    [InlineData("{% set y = text.strip(text) %}")]
    [InlineData("{% set y = text | upper %}")]
    [InlineData("{% set y = {text: 1} %}")]
    [InlineData("{% set y = numbers.get(text) %}")]
    [InlineData("{% set y = text | list | length %}")]
    [InlineData("{% set y = text | tojson %}")]
    [InlineData("{% set y = text | wordwrap(10) %}")]
    [InlineData("{% set y = text | urlencode %}")]
    [InlineData("{% set y = text | striptags %}")]
    [InlineData("{% set y = range(100000) | sum %}")]
    [InlineData("{% set y = range(1000) | sort(reverse=true) %}")]
    [InlineData("{% set y = 3 ** 2000 * 3 ** 500 %}")]
    [InlineData("{% set y = '%.1000f' % 1.1 %}")]
    [InlineData("{% set y = ('1' * 4000) | int %}")]
    [InlineData("{% set y = strftime_now(text) %}")]
    [InlineData("{% set y = range(1000) | unique | groupby('real') %}")]
    [InlineData("{% set y = text.strip(emoji) %}")]
    [InlineData("{% set y = emojis.strip('b') %}")]
    [InlineData("{% set y = emojis.rstrip('a') | last %}")]
    [InlineData("{% set y = emojis | last %}")]
    [InlineData("{% set y = text | last | upper %}")]
    [InlineData("{% set y = text[0] %}")]
    [InlineData("{% set y = emojis[-1] %}")]
    [InlineData("{% set y = text in [text ~ 'b', text ~ ''] %}")]
    [InlineData("{% set y = range(1000) | list == range(1000) | list %}")]
    [InlineData("{% set y = [[text]] == [[text ~ '']] %}")]
    [InlineData("{% set y = {'a': text} | xmlattr %}")]
    [InlineData("{% set y = [1] | map(attribute=text) | list %}")]
    [InlineData("{% set y = text.casefold() %}")]
    [InlineData("{% set y = text is lower %}")]
    [InlineData("{% set y = text | float %}")]
    [InlineData("{% set y = text | wordcount %}")]
    [InlineData("{% set y = (3 ** 2000) | string %}")]
    [InlineData("{% set y = '{:,}'.format(3 ** 2000) %}")]
    [InlineData("{% set y = (3 ** 2000) | round(-100) %}")]
    [InlineData("{% set y = '{:0100000,}'.format(1) %}")]
    [InlineData("{% set y = '%d' % (3 ** 2000) %}")]
    [InlineData("{% set y = '{:.1000e}'.format(1.1) %}")]
    [InlineData("{% set y = [emojis] | string %}")]
    public void A_template_that_goes_on_for_ever_is_stopped(string body) =>
        Assert.StartsWith("SecurityError: ", Reason(Forever.Replace("BODY", body, StringComparison.Ordinal)), StringComparison.Ordinal);

    [Theory]
    [InlineData("{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=3) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}")]
    [InlineData("{{ 'a' * 10 ** 12 }}")]
    [InlineData("{{ [1] * 10 ** 12 }}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ '%.1000000000f' % 1 }}")]
    [InlineData("{{ '{:1000000000}'.format(1) }}")]
    [InlineData("{{ '{:.1000000000}'.format(1.5) }}")]
    [InlineData("{{ 'a'.center(10 ** 11) }}")]
    [InlineData("{{ 'a'.zfill(10 ** 11) }}")]
    [InlineData("{{ '\\t'.expandtabs(10 ** 11) }}")]
    [InlineData("{{ 'a' | center(10 ** 11) }}")]
    [InlineData("{{ 'a\\nb' | indent(10 ** 11) }}")]
    [InlineData("{{ numbers | tojson(indent=10 ** 11) }}")]
    [InlineData("{{ [1] | batch(10 ** 11, 0) | list }}")]
    [InlineData("{{ [1] | slice(10 ** 11) | list }}")]
    [InlineData("{% for i in range(100000) %}{{ text }}{% endfor %}")]
    public void A_template_that_makes_too_much_is_stopped(string template) =>
        Assert.StartsWith("SecurityError: ", Reason(template), StringComparison.Ordinal);

    // The bound grows with the input, and with that alone.
    [Theory]
    [InlineData("", "MaxSteps")]
    [InlineData("{% set y = messages | tojson %}", "MaxSteps")]
    [InlineData("{% set y = messages | map(attribute='content') | join %}", "MaxSteps")]
    [InlineData("{% for a in messages %}{% for b in messages %}{% for c in messages %}{% endfor %}{% endfor %}{% endfor %}", "MaxSteps")]
    [InlineData("{% set y = messages == messages[:0] + messages %}", "MaxSteps")]
    [InlineData("{{ messages }}", "MaxOutputLength")]
    [InlineData("{% set ns.x = ns.x + [messages | tojson] %}", "MaxMemoryBytes")]
    public void A_template_that_goes_on_for_ever_is_stopped_with_a_large_input_too(string body, string option)
    {
        string template = "{% set ns = namespace(x=[]) %}" + Forever.Replace("BODY", body, StringComparison.Ordinal);
        ChatTemplateInput input = LongConversation.Of(120, withTools: true);

        var refused = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render(input, TestContext.Current.CancellationToken));
        Assert.Contains($"set a higher ChatTemplateLimits.{option} ", refused.Reason, StringComparison.Ordinal);
    }

    // Otherwise a dictionary of them would take time that nobody counts.
    [Fact]
    public void Keys_that_differ_have_hashes_that_differ_and_equal_ones_the_same()
    {
        KeyComparer keys = KeyComparer.Instance;
        object[] differing = [.. Enumerable.Range(0, 100).Select(i => (object)new RangeValue(i, i + 1, 1)), .. Enumerable.Range(0, 100).Select(_ => (object)double.NaN)];

        Assert.InRange(differing.Select(keys.GetHashCode).Distinct().Count(), 190, 200);
        Assert.Equal(keys.GetHashCode(1L << 62), keys.GetHashCode((double)(1L << 62)));
        Assert.Equal(keys.GetHashCode(new RangeValue(0, 0, 1)), keys.GetHashCode(new RangeValue(5, 5, 2)));
        Assert.Equal(keys.GetHashCode(new RangeValue(3, 4, 1)), keys.GetHashCode(new RangeValue(3, 5, 2)));
    }

    [Fact]
    public void A_range_has_the_bound_of_the_sandbox() => Assert.Contains("Range too big", Reason("{{ range(100001) }}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% macro m() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% endmacro %}{{ r() }}")]
    [InlineData("{% for i in [[]] recursive %}{{ loop([i]) }}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=numbers) %}{% for i in range(99999) %}{% set ns.x = ns.x | map('string') %}{% endfor %}{{ ns.x | list }}")]
    public void Macros_loops_and_iterators_inside_each_other_are_bounded(string template) =>
        Assert.StartsWith("SecurityError: ", Reason(template), StringComparison.Ordinal);

    [Theory]
    [InlineData("{{ ns.x }}")]
    [InlineData("{{ ns.x | tojson }}")]
    [InlineData("{{ ns.x | pprint }}")]
    [InlineData("{{ ns.x == (ns.x,) }}")]
    [InlineData("{{ ns.x < (ns.x,) }}")]
    [InlineData("{{ {(ns.x, 1): 1} }}")]
    [InlineData("{{ 'a' in {(ns.x,): 1} or ns.x in ns.x }}")]
    public void Values_inside_values_are_bounded(string use)
    {
        string reason = Reason("{% set ns = namespace(x=(1,)) %}{% for i in range(9999) %}{% set ns.x = (ns.x,) %}{% endfor %}" + use);

        Assert.Contains("nested too deeply", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ ns.x }}")]
    [InlineData("{{ ns.x | tojson }}")]
    [InlineData("{{ ns.x | pprint }}")]
    [InlineData("{{ {ns.x: 1} }}")]
    [InlineData("{{ numbers[ns.x].y }}")]
    public void A_value_that_holds_itself_twice_at_every_level_does_not_take_for_ever(string use)
    {
        string reason = Reason("{% set ns = namespace(x=(1,)) %}{% for i in range(150) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}" + use);

        Assert.Matches("^(SecurityError|UndefinedError): ", reason);
    }

    [Fact]
    public void A_namespace_in_itself_is_an_error_where_it_is_printed() =>
        Assert.Contains("nested too deeply", Reason("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "", "]")]
    [InlineData("{1:", "1", "}")]
    [InlineData("f(", "", ")")]
    [InlineData("-", "1", "")]
    [InlineData("not ", "1", "")]
    [InlineData("", "1", "+1")]
    [InlineData("", "1", "**1")]
    [InlineData("", "1", " or 1")]
    [InlineData("", "1", " if 1 else 1")]
    [InlineData("", "1", " if 1")]
    [InlineData("", "a", ".a")]
    [InlineData("", "a", "[0]")]
    [InlineData("", "a", "()")]
    [InlineData("", "a", "|e")]
    [InlineData("", "a", " is defined")]
    public void An_expression_of_any_depth_is_an_error_and_not_the_end_of_the_process(string open, string inner, string close)
    {
        string expression = string.Concat(Enumerable.Repeat(open, 50_000)) + inner + string.Concat(Enumerable.Repeat(close, 50_000));

        // On a thread of the size that some platforms give.
        string reason = "";
        Thread thread = new(() => reason = Reason($"{{% set a = 1 %}}{{{{ {expression} }}}}"), maxStackSize: 512 << 10);
        thread.Start();
        thread.Join();

        Assert.NotEqual("", reason);
    }

    [Theory]
    [InlineData("{% if 1 %}", "{% endif %}")]
    [InlineData("{% for i in range(1) %}", "{% endfor %}")]
    [InlineData("{% macro a() %}", "{% endmacro %}")]
    public void Statements_of_any_depth_are_an_error(string open, string close)
    {
        string template = string.Concat(Enumerable.Repeat(open, 20_000)) + string.Concat(Enumerable.Repeat(close, 20_000));

        Assert.Contains("nested deeper than", Reason(template), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ text.__class__.__mro__ }}")]
    [InlineData("{{ ''['__class__'] + 1 }}")]
    [InlineData("{{ (text | attr('__class__')).x }}")]
    [InlineData("{{ '{0.__class__.__mro__}'.format(text) }}")]
    [InlineData("{{ numbers.update({}) }}")]
    [InlineData("{{ numbers.pop('a') }}")]
    [InlineData("{{ [1].append(2) }}")]
    [InlineData("{{ [2, 1].sort() }}")]
    public void What_the_sandbox_forbids_is_a_security_error(string template) =>
        Assert.Matches("^SecurityError: access to attribute '.*' of '.*' object is unsafe.$", Reason(template));

    [Fact]
    public void A_template_of_more_than_a_million_characters_is_refused()
    {
        var refused = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(new string('x', (1 << 20) + 1)));

        Assert.Contains("1048577 characters", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_rendering_ends()
    {
        using CancellationTokenSource source = new();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => ChatTemplate.Parse(Forever).Render(Input(), source.Token));
    }

    private static string Reason(string template) => Assert.Throws<ChatTemplateException>(
        () => ChatTemplate.Parse(template).Render(Input(), TestContext.Current.CancellationToken)).Reason;

    private static ChatTemplateInput Input()
    {
        using JsonDocument variables = JsonDocument.Parse($$"""{ "text": "{{new string('a', 50_000)}}", "emojis": "{{string.Concat(Enumerable.Repeat("é😀", 20_000))}}", "emoji": "😀", "numbers": { "a": 1 } }""");
        return CaseFiles.Input(variables.RootElement.Clone());
    }
}
