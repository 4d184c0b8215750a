using System.Text;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>Profiles whose plans end with bridges, and the file in which those lie.</summary>
public sealed class BridgeProfileTests : IDisposable
{
    private const int Width = 6;

    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("it.json");

    private string Bridges => Assert.Single(Directory.GetFiles(_folder.Path, "*.bridges"));

    private static DraftingProfile Profile { get; } = new()
    {
        Model = MadeProfile.Model,
        Bridges = [Bridge(1, full: true), Bridge(2, full: false)],
        Plans =
        [
            new ProfilePlan { Plan = LayerPlan.BridgedExit(MadeProfile.Layers, 2) }, new ProfilePlan { Plan = LayerPlan.EarlyExit(MadeProfile.Layers, 2) },
            new ProfilePlan { Plan = LayerPlan.BridgedExit(MadeProfile.Layers, 3), UsesDraftWeights = true },
        ],
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_profile_comes_back_with_its_bridges()
    {
        Profile.Save(File);
        DraftingProfile read = DraftingProfile.Load(File);
        Assert.Equal(Profile, read);
        Assert.Equal(Profile.Bridges[1].Down.ToArray(), read.Bridges[1].Down.ToArray());
        Assert.Equal([true, false], read.Bridges.Select(bridge => bridge.IsFull));
        Assert.Equal("A0 M0 A1 M1 B1", read.Plans[0].Plan.ToString());
        Assert.Empty(read.Warnings);

        // Other numbers are another file; the one before stays whole until its profile is replaced.
        string before = Bridges;
        (Profile with { Bridges = [Bridge(1, full: false), Bridge(2, full: false)] }).Save(File);
        Assert.Equal(2, Directory.GetFiles(_folder.Path, "*.bridges").Length);
        Assert.True(System.IO.File.Exists(before));
        Assert.NotEqual(Profile, DraftingProfile.Load(File));
    }

    [Fact]
    public void From_memory_plans_with_bridges_are_passed_over_with_a_warning()
    {
        Profile.Save(File);
        DraftingProfile read = DraftingProfile.Parse(System.IO.File.ReadAllBytes(File), "it.json");
        Assert.Equal(LayerPlan.EarlyExit(MadeProfile.Layers, 2), Assert.Single(read.Plans).Plan);
        Assert.Equal(2, read.Warnings.Count);
        Assert.Equal("it.json: plans[0] is passed over, since its bridge lies in a file beside the profile: load the profile from its file.", read.Warnings[0]);
    }

    [Fact]
    public void A_file_of_bridges_that_is_damaged_or_another_is_refused_with_a_sentence()
    {
        Profile.Save(File);
        byte[] whole = System.IO.File.ReadAllBytes(Bridges);
        foreach (int length in (int[])[0, 7, 60, whole.Length / 2, whole.Length - 1])
        {
            System.IO.File.WriteAllBytes(Bridges, whole[..length]);
            Assert.Contains(Path.GetFileName(Bridges), Refusal(), StringComparison.Ordinal);
        }

        // The last number of the last matrix.
        System.IO.File.WriteAllBytes(Bridges, [.. whole[..^4], .. BitConverter.GetBytes(float.NaN)]);
        Assert.Contains("a number of the bridge is none", Refusal(), StringComparison.OrdinalIgnoreCase);
        System.IO.File.WriteAllBytes(Bridges, [.. whole[..^4], .. BitConverter.GetBytes(0.125f)]);
        Assert.Contains("its numbers are not those that the profile was written with", Refusal(), StringComparison.Ordinal);

        // A layer that the model does not have, a part that belongs to nothing, another type.
        foreach ((string part, string other) in ((string, string)[])[("\"2.up\"", "\"2.uq\""), ("\"2.scale\"", "\"9.scale\""), ("\"F32\"", "\"I32\"")])
        {
            byte[] changed = (byte[])whole.Clone();
            int at = Encoding.Latin1.GetString(whole).IndexOf(part, StringComparison.Ordinal);
            Encoding.Latin1.GetBytes(other).CopyTo(changed, at);
            System.IO.File.WriteAllBytes(Bridges, changed);
            Assert.Contains("the bridges of a drafting profile are damaged", Refusal(), StringComparison.Ordinal);
        }

        System.IO.File.Delete(Bridges);
        Assert.Contains(".bridges", Refusal(), StringComparison.Ordinal);

        string Refusal() => Assert.ThrowsAny<SpecDecodeException>(() => DraftingProfile.Load(File)).Message;
    }

    [Theory]
    [InlineData("\"file\": \"it", "\"file\": \"../it", "bridges.file is")]
    [InlineData(".bridges\"", ".json\"", "bridges.file is")]
    [InlineData("A0 M0 A1 M1 B1", "A0 M0 B1 A1 M1", "has a block behind a bridge")]
    [InlineData("A0 M0 A1 M1 B1", "A0 M0 A1 M1 B5", "the profile has no bridge behind layer 5")]
    [InlineData("A0 M0 A1 M1 B1", "A0 M0 A1 M1 B8", "give blocks such as")]
    [InlineData("\"fingerprint\": \"0123", "\"finger\": \"0123", "finger")]
    public void A_profile_that_says_what_is_not_so_is_refused(string part, string other, string expected)
    {
        Profile.Save(File);
        string json = System.IO.File.ReadAllText(File);
        Assert.Contains(part, json, StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, json.Replace(part, other, StringComparison.Ordinal));
        Assert.Contains(expected, Assert.Throws<SpecDecodeException>(() => DraftingProfile.Load(File)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_made_in_code_whose_plan_has_no_bridge_is_refused_before_it_is_written()
    {
        Assert.Contains("no bridge behind layer 1", Assert.Throws<SpecDecodeException>(() => (Profile with { Bridges = [Bridge(2, full: true)] }).Save(File)).Message, StringComparison.Ordinal);
        Assert.Contains("two bridges behind one layer", Assert.Throws<SpecDecodeException>(
            () => (Profile with { Bridges = [Bridge(1, full: true), Bridge(1, full: false), Bridge(2, full: true)] }).Save(File)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.Throws<ArgumentException>(() => new LinearBridge(0, new float[2], new float[3]));
        Assert.Throws<ArgumentException>(() => new LinearBridge(0, [1, float.PositiveInfinity], new float[4]));
    }

    [Fact]
    public void A_model_takes_one_bridge_behind_a_layer_and_refuses_another_one_and_one_of_another_width()
    {
        BridgeSet bridges = new(MadeProfile.Layers, Width);
        ModelDrafting model = new(MadeProfile.Layers, false, MadeProfile.Model, bridges: bridges);
        Assert.Contains("the model has no bridge behind layer 1", Assert.Throws<SpecDecodeException>(
            () => model.Of(DraftingOptions.Of(LayerPlan.BridgedExit(MadeProfile.Layers, 2)), "")).Message, StringComparison.Ordinal);

        Assert.Equal(LayerPlan.BridgedExit(MadeProfile.Layers, 2), model.Of(DraftingOptions.None.WithProfile(Profile), "")!.FixedPlan!.Plan);
        Assert.Same(Profile.Bridges[0], bridges[1]);
        Assert.NotNull(model.Of(DraftingOptions.Of(LayerPlan.BridgedExit(MadeProfile.Layers, 2)), ""));
        Assert.NotNull(model.Of(DraftingOptions.None.WithProfile(Profile with { Bridges = [Bridge(1, full: true), Bridge(2, full: false)] }), ""));

        DraftingProfile other = Profile with { Bridges = [Bridge(1, full: false), Bridge(2, full: false)] };
        Assert.Contains("another than the one that the loaded model has", Assert.Throws<OptionException>(() => model.Of(DraftingOptions.None.WithProfile(other), "")).Message, StringComparison.Ordinal);
        ModelDrafting wider = new(MadeProfile.Layers, false, MadeProfile.Model, bridges: new BridgeSet(MadeProfile.Layers, Width + 1));
        Assert.Contains("6 wide, and the residual of this model is 7 wide", Assert.Throws<OptionException>(() => wider.Of(DraftingOptions.None.WithProfile(Profile), "")).Message, StringComparison.Ordinal);
    }

    private static LinearBridge Bridge(int layer, bool full)
    {
        Random random = new(layer);
        float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
        return full ? new LinearBridge(layer, Numbers(Width), Numbers(Width * Width)) : new LinearBridge(layer, Numbers(Width), Numbers(Width * 2), Numbers(2 * Width));
    }
}
