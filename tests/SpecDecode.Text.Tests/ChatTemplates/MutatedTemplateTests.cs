using SpecDecode.ChatTemplates;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class MutatedTemplateTests
{
    private static readonly string[] Scraps =
    [
        "{{", "}}", "{%", "%}", "-%}", "{%-", "{#", "#}", "(", ")", "[", "]", "|", ".", " if ", " else ", " is ", " not ", "~", "+", "*", "-", "%", "/",
        "'", "\"", "\\", "none", "0", "1e9", "99999999999", "endif", "endfor", "loop", "messages", "set ", "\n", "é", "\U0001F600", "\ud800", "raw",
        "endraw", ",", "=", ":", "{", "}", "tojson", " in ", "for ", "**", "range(9)", "[::-1]", "|list", "namespace(", "\0",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_mutated_template_gives_a_text_or_an_error_with_its_place(int seed)
    {
        (string Name, string Source)[] families = [.. CaseFiles.Families()];
        ChatTemplateInput[] inputs = [.. CaseFiles.Read("conversations.json").EnumerateObject()
            .Select(conversation => CaseFiles.Input(conversation.Value) with { BosToken = "<s>" })];
        Random random = new(seed);
        int refused = 0;
        const int Rounds = 3000;
        for (int round = 0; round < Rounds; round++)
        {
            string template = Mutate(families[random.Next(families.Length)].Source, random);
            try
            {
                ChatTemplate.Parse(template).Render(inputs[random.Next(inputs.Length)], TestContext.Current.CancellationToken);
            }
            catch (ChatTemplateException error)
            {
                string[] lines = template.ReplaceLineEndings("\n").Split('\n');
                Assert.InRange(error.Line, 1, lines.Length);
                Assert.InRange(error.Column, 1, lines[error.Line - 1].Length + 1);
                Assert.NotEqual("", error.Reason);
                refused++;
            }
        }

        Assert.InRange(refused, Rounds / 3, Rounds - 100);
    }

    private static string Mutate(string template, Random random)
    {
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            int at = random.Next(template.Length + 1);
            int length = Math.Min(random.Next(12), template.Length - at);
            template = random.Next(4) switch
            {
                0 => template.Insert(at, Scraps[random.Next(Scraps.Length)]),
                1 => template.Remove(at, length),
                2 => template.Insert(random.Next(template.Length + 1), template.Substring(at, length)),
                _ => template[..at] + Scraps[random.Next(Scraps.Length)] + template[(at + length)..],
            };
        }

        return template;
    }
}
