using SpecDecode.ChatTemplates;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Models;

public sealed class ChatTemplateOptionTests
{
    private const string Template = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}{{ bos_token }}";

    [Fact]
    public void A_template_given_as_a_text_or_as_a_file_makes_the_prompts()
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("plain.jinja", Template);
        foreach (string value in (string[])[Template, file])
        {
            using TextModel model = PlainModel.Load(TestFolders.StoryModel, new ModelOptions { CacheFolder = TestFolders.WeightCache, ChatTemplate = value }, cancellationToken: TestContext.Current.CancellationToken);

            // The checkpoint has none of its own; its special tokens are the template's variables.
            TextTokenizer tokenizer = TextTokenizer.LoadFromFolder(TestFolders.StoryModel);
            GenerationResult result = model.Generate(new GenerationRequest { Messages = [new ChatMessage("user", "Once upon a time")], MaxTokens = 4 }, cancellationToken: TestContext.Current.CancellationToken);
            GenerationResult expected = model.Generate(new GenerationRequest
            {
                Tokens = tokenizer.Encode("user: Once upon a time\n<|endoftext|>", addSpecialTokens: false, parseSpecialTokens: true), MaxTokens = 4,
            }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(expected.PromptTokens, result.PromptTokens);
            Assert.Equal(expected.Tokens, result.Tokens);
        }
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("/nowhere/plain.jinja", "/nowhere/plain.jinja")]
    [InlineData("{% for %}", "line 1")]
    public void One_that_cannot_be_used_is_an_error_that_names_the_option(string value, string reason)
    {
        OptionException error = Assert.Throws<OptionException>(() => GivenTemplate.Read(TestFolders.StoryModel, value));
        Assert.Equal("Model:ChatTemplate", error.Option);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }
}
