using System.Diagnostics;
using System.Text;

namespace SpecDecode.Tests.Tool;

public sealed class TemplateCommandTests
{
    private const string Conversation = """
        { "name": "a case", "messages": [ { "role": "user", "content": "Grüße 😀" } ], "add_generation_prompt": true, "bos_token": "<s>",
          "eos_token": "</s>", "now": "2026-11-23", "enable_thinking": false, "expected": "ignored" }
        """;

    [Fact]
    public async Task The_prompt_goes_to_stdout_byte_for_byte()
    {
        using TemporaryFolder folder = new();
        folder.Write("t.jinja", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ enable_thinking }}{{ strftime_now(' %d %B %Y') }}\n\n");
        folder.Write("c.json", Conversation);
        using Process process = ToolRun.Start("template", "--template", folder.File("t.jinja"), "--case", folder.File("c.json"));
        using MemoryStream output = new();
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardOutput.BaseStream.CopyToAsync(output, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("", await error);
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Encoding.UTF8.GetBytes("<s>Grüße 😀</s>False 23 November 2026\n"), output.ToArray());
    }

    [Theory]
    [InlineData("{{ raise_exception('Only \"user\" speaks.') }}", "Only \"user\" speaks.")]
    [InlineData("{% for t in tools %}{% endfor %}", "TypeError: 'NoneType' object is not iterable")]
    [InlineData("{{ name.upper() }}", "UndefinedError: 'name' is undefined")]
    [InlineData("{% if %}", "TemplateSyntaxError: Expected an expression, got 'end of statement block'")]
    public void A_refusal_is_exit_code_1_with_the_templates_message_on_stderr(string template, string message)
    {
        using TemporaryFolder folder = new();
        folder.Write("t.jinja", template);
        folder.Write("c.json", Conversation);
        ToolRun run = ToolRun.Of("template", "--template", folder.File("t.jinja"), "--case", folder.File("c.json"));

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.EndsWith(message, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "messages": [] """, "not JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{}", "no 'messages'")]
    [InlineData("""{ "messages": "x" }""", "'messages' must be an array")]
    [InlineData("""{ "messages": [], "add_generation_prompt": 1 }""", "'add_generation_prompt' must be true or false")]
    [InlineData("""{ "messages": [], "bos_token": 1 }""", "'bos_token' must be a text")]
    [InlineData("""{ "messages": [], "now": "soon" }""", "'now' must be a date")]
    [InlineData("""{ "messages": [ "\ud800" ] }""", "not valid Unicode")]
    [InlineData("""{ "messages": [], "eos_token": "\ud800" }""", "not JSON")]
    public void A_case_that_is_not_what_it_should_be_is_a_sentence(string conversation, string said)
    {
        using TemporaryFolder folder = new();
        folder.Write("t.jinja", "x");
        folder.Write("c.json", conversation);
        ToolRun run = ToolRun.Of("template", "--template", folder.File("t.jinja"), "--case", folder.File("c.json"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_sentence()
    {
        using TemporaryFolder folder = new();
        folder.Write("c.json", Conversation);
        File.WriteAllBytes(folder.File("latin.jinja"), [0x67, 0xFC]);

        Assert.Contains("cannot be read", Complaint(folder.File("none.jinja")), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Complaint(folder.Path), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Complaint(""), StringComparison.Ordinal);
        Assert.Contains("not part of UTF-8", Complaint(folder.File("latin.jinja")), StringComparison.Ordinal);

        string Complaint(string template)
        {
            ToolRun run = ToolRun.Of("template", "--template", template, "--case", folder.File("c.json"));
            Assert.Equal(1, run.ExitCode);
            return Assert.Single(run.Complaints);
        }
    }

    [Fact]
    public void Tools_and_documents_are_none_where_a_case_has_none_and_generation_is_prompted()
    {
        using TemporaryFolder folder = new();
        folder.Write("t.jinja", "{{ tools }} {{ documents }} {{ add_generation_prompt }} {{ bos_token is defined }} {{ expected is defined }}");
        folder.Write("c.json", """{ "messages": [], "tools": null, "bos_token": null }""");

        Assert.Equal("None None True False False", ToolRun.Of("template", "--template", folder.File("t.jinja"), "--case", folder.File("c.json")).Output);
    }
}
