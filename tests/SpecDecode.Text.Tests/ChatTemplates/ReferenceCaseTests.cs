using System.Text.Json;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class ReferenceCaseTests
{
    [Theory]
    [InlineData("expressions.json", 600)]
    [InlineData("methods.json", 200)]
    [InlineData("statements.json", 300)]
    [InlineData("random.json", 600)]
    [InlineData("tojson.json", 400)]
    [InlineData("corners.json", 500)]
    public void Every_case_renders_or_fails_as_Jinja2_says(string file, int atLeast)
    {
        JsonElement cases = CaseFiles.Read(file);
        var input = CaseFiles.Input(cases.GetProperty("variables"));
        JsonElement[] all = [.. cases.GetProperty("cases").EnumerateArray()];

        Assert.True(all.Length >= atLeast);
        Assert.All(all, one => Assert.Null(CaseFiles.Difference(one.GetProperty("template").GetString()!, input, one)));
    }

    [Fact]
    public void Every_template_in_the_manner_of_a_family_renders_every_conversation_as_Jinja2_does()
    {
        JsonElement conversations = CaseFiles.Read("conversations.json");
        JsonElement expected = CaseFiles.Read("families.json");
        int count = 0;
        foreach ((string name, string source) in CaseFiles.Families())
        {
            foreach (JsonProperty conversation in conversations.EnumerateObject())
            {
                var input = CaseFiles.Input(conversation.Value) with { BosToken = "<s>", EosToken = "</s>" };
                Assert.Null(CaseFiles.Difference(source, input, expected.GetProperty(name).GetProperty(conversation.Name)));
                count++;
            }
        }

        Assert.True(count >= 50);
    }
}
