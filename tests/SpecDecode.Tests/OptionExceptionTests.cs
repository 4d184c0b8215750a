namespace SpecDecode.Tests;

public sealed class OptionExceptionTests
{
    [Fact]
    public void The_message_has_the_property_and_whoever_tells_it_may_use_other_names()
    {
        OptionException error = new("Model:Precision", "is {5}: give another.");
        Assert.Equal(("Model:Precision", "Precision is {5}: give another."), (error.Option, error.Message));
        Assert.Equal("--precision is {5}: give another.", error.Describe(key => key == "Model:Precision" ? "--precision" : key));
        Assert.Equal("Path is wrong.", new OptionException("Path", "is wrong.").Message);
    }

    [Fact]
    public void Every_option_in_the_sentence_gets_its_name_and_the_first_is_at_fault()
    {
        OptionName budget = OptionName.OfRuntime("KvCacheMegabytes"), most = new("", "MaxTokens");
        OptionException error = new($"{budget} is {1.5}, less than {most} takes.");
        Assert.Equal("KvCacheMegabytes is 1.5, less than MaxTokens takes.", error.Message);
        Assert.Equal("Runtime:KvCacheMegabytes", error.Option);
        Assert.Equal("S:Runtime:KvCacheMegabytes is 1.5, less than S:MaxTokens takes.", error.Describe(key => "S:" + key));
    }
}
