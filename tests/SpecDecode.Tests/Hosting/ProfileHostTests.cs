using SpecDecode.Drafting.Profiles;
using SpecDecode.Generation;
using SpecDecode.Hosting;
using SpecDecode.Plans;

namespace SpecDecode.Tests.Hosting;

/// <summary>Drafting:Profile of a host: where it is looked for, what is told of it, and what a change does.</summary>
public sealed class ProfileHostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Requests_draft_by_the_profile_that_is_named_and_the_start_says_so()
    {
        string path = Write(1, 2);
        await using TestHost host = await TestHost.Started(("Drafting:Profile", path));
        GenerationResult result = await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
        Assert.True(result.Drafting.Drafted > 0);
        GenerationResult plain = await host.Generator.CompleteAsync(TestHost.Request() with { Drafting = SpecDecode.Drafting.DraftingOptions.None }, Cancellation);
        Assert.Equal(plain.Tokens, result.Tokens);
        Assert.Equal(
            $"The model llama_base has the drafting profile {path} of 2 plans, 2 of which can be run; speed-up of the best as measured: 1.50; the model drafts by the best of them",
            Assert.Single(host.Log.Messages(21)));
        Assert.Contains($"drafting: profile {path}; ", Assert.Single(host.Log.Messages(2)), StringComparison.Ordinal);
        Assert.Empty(Warnings(host));
    }

    [Fact]
    public async Task A_relative_path_is_taken_from_the_content_root()
    {
        string path = Write(1);
        await using TestHost host = await TestHost.Started(("Drafting:Profile", Path.GetRelativePath(TestFolders.Fixtures, path)), ("Drafting:Strategy", "auto"));
        Assert.Equal(path, host.Generator.Defaults.Drafting.Profile);
        Assert.EndsWith("auto chooses from them", Assert.Single(host.Log.Messages(21)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_configuration_reads_the_profile_again_and_a_wrong_one_leaves_the_former()
    {
        string path = Write(1);
        await using TestHost host = await TestHost.Started(("Drafting:Strategy", null));
        Assert.Equal(0, host.Log.Count(21));
        host.Change(("Drafting:Profile", path));
        Assert.Equal((1, 1), (host.Log.Count(6), host.Log.Count(21)));
        Assert.True((await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted > 0);

        // The file alone has changed.
        Write(2, 3, 1);
        host.Change(("Drafting:Profile", path));
        Assert.Equal((2, 2), (host.Log.Count(6), host.Log.Count(21)));
        Assert.Contains("of 3 plans", host.Log.Messages(21).Last(), StringComparison.Ordinal);
        host.Change(("Drafting:Profile", path));
        Assert.Equal((2, 2), (host.Log.Count(6), host.Log.Count(21)));

        File.WriteAllText(path, "{");
        host.Change(("Sampling:TopK", "5"));
        string refusal = Assert.Single(host.Log.Messages(7));
        Assert.StartsWith(
            $"The changed configuration of the model llama_base is wrong, so the former stays: SpecDecode:Drafting:Profile: {path}: is not valid JSON", refusal, StringComparison.Ordinal);
        Assert.Equal(0, host.Generator.Defaults.Sampling.TopK);
        Assert.True((await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted > 0);
    }

    [Fact]
    public async Task Plans_for_a_copy_of_the_weights_that_is_not_there_are_warned_of()
    {
        string path = Write(-4, 1);
        await using TestHost host = await TestHost.Started(("Drafting:Profile", path));
        Assert.Contains("of its 2 plans 1 would draft on a copy of the weights in lower precision", Assert.Single(Warnings(host)), StringComparison.Ordinal);
        Assert.Contains("of 2 plans, 1 of which can be run", Assert.Single(host.Log.Messages(21)), StringComparison.Ordinal);

        await using TestHost with = await TestHost.Started(("Drafting:Profile", path), ("Model:DraftPrecision", "int8"));
        Assert.Empty(Warnings(with));
        Assert.True((await with.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted > 0);
    }

    [Theory]
    [InlineData("missing", "SpecDecode:Drafting:Profile: {0}: there is no drafting profile")]
    [InlineData("other", "SpecDecode:Drafting:Profile is {0}, of a model with 7 layers, and this one has 4: calibrate this model")]
    [InlineData("drafter", "SpecDecode:Drafting:Profile is {0}, all of whose plans draft on a copy of the weights in lower precision, and the model is loaded without one: load it with SpecDecode:Model:DraftPrecision")]
    public async Task A_profile_that_cannot_be_used_ends_the_start_with_a_sentence(string kind, string sentence)
    {
        string path = kind switch
        {
            "missing" => _folder.File("missing.json"),
            "other" => Write(7, [1]),
            _ => Write(-1, -4),
        };
        await using TestHost host = new(("Drafting:Profile", path));
        host.Builder.AddSpecDecode();
        SpecDecodeException error = await Assert.ThrowsAnyAsync<SpecDecodeException>(() => host.Host.StartAsync(Cancellation));
        Assert.StartsWith(string.Format(System.Globalization.CultureInfo.InvariantCulture, sentence, path), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_in_the_models_folder_is_told_of_and_used_by_auto_alone()
    {
        string model = _folder.File("model");
        Directory.CreateDirectory(model);
        foreach (string file in Directory.GetFiles(Path.Combine(TestFolders.Fixtures, "llama_base")))
        {
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        }

        File.Move(Write(1), Path.Combine(model, DraftingProfile.FileName));
        await using TestHost host = await TestHost.Started(("Model:Path", model));
        Assert.EndsWith("Drafting does not ask for it", Assert.Single(host.Log.Messages(21)), StringComparison.Ordinal);
        Assert.Equal(0, (await host.Generator.CompleteAsync(TestHost.Request(), Cancellation)).Drafting.Drafted);
        host.Change(("Drafting:Strategy", "auto"));
        Assert.EndsWith("auto chooses from them", host.Log.Messages(21).Last(), StringComparison.Ordinal);
        await host.Generator.CompleteAsync(TestHost.Request(), Cancellation);
    }

    // The tiny model is warned of for lack of a tokenizer.
    private static IEnumerable<string> Warnings(TestHost host) => host.Log.Messages(3).Where(message => message.Contains("plans", StringComparison.Ordinal));

    private string Write(params int[] exits) => Write(4, exits);

    // Of the tiny model, whose fingerprint nobody asks for; a negative exit is one on the copy.
    private string Write(int layers, int[] exits)
    {
        string path = _folder.File("profile.json");
        new DraftingProfile
        {
            Model = new ModelIdentity("llama", layers, 512),
            Plans = [.. exits.Select(exit => new ProfilePlan { Plan = LayerPlan.EarlyExit(layers, Math.Abs(exit)), UsesDraftWeights = exit < 0, DraftLength = 2, MeasuredSpeedup = 1.5 })],
        }.Save(path);
        return path;
    }
}
