using System.Diagnostics;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Plans;
using SpecDecode.Pruning;

namespace SpecDecode.Tests.Tool;

public sealed class PruneCommandTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();

    private string Output => _model.Beside("pruned");

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_pruned_folder_has_the_logits_of_the_model_without_the_layers_and_a_card_that_says_what_was_dropped()
    {
        string expected = ToolRun.On(_model, "logits", "--tokens", "1,2,3", "--skip-attention", "1-2", "--skip-mlp", "1-2").Output;
        ToolRun run = Prune("--drop-layers", "2,1");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(Output, run.Output.TrimEnd());
        Assert.Contains("dropped 1, 2; 2 layers stay", run.Error, StringComparison.Ordinal);

        Assert.Equal(["README.md", "config.json", "expected.json", "model.safetensors"], Files());
        Assert.Equal(expected, ToolRun.Of("logits", "--model", Output, "--cache-folder", _model.Cache, "--tokens", "1,2,3").Output);
        string card = File.ReadAllText(Path.Combine(Output, "README.md"));
        Assert.Contains("# `model` with 2 of its 4 layers", card, StringComparison.Ordinal);
        Assert.Contains("| dropped layers, counted from 0 | 1, 2 |", card, StringComparison.Ordinal);
        Assert.Contains("| layers that stay, in their order | 0, 3 |", card, StringComparison.Ordinal);
        Assert.Contains("was not measured", card, StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_text_the_card_says_the_perplexity_that_both_folders_have()
    {
        _model.AddTokenizer().Write("README.md", "licence: mine").Write("chat_template.jinja", "{{ messages }}").Write("specdecode-profile.json", "{}")
            .Write("model-card.bin", "weights of another kind");
        Directory.CreateDirectory(_model.FileOf("additional_chat_templates"));
        _model.Write(Path.Combine("additional_chat_templates", "tools.jinja"), "tools");
        string text = Text();
        ToolRun run = Prune("--drop-layers", "1", "--text", text, "--cache-folder", _model.Cache, "--json", "--quiet");
        Assert.True(run.ExitCode == 0, run.Error);
        double before = Perplexity(_model.Folder, text);
        double after = Perplexity(Output, text);
        Assert.Equal(before, run.Json.GetProperty("perplexity_before").GetDouble(), 1e-3);
        Assert.Equal(after, run.Json.GetProperty("perplexity_after").GetDouble(), 1e-3);
        Assert.Equal([1], run.Ints("dropped"));
        Assert.Equal([0, 2, 3], run.Ints("kept"));

        string card = File.ReadAllText(Path.Combine(Output, "README.md"));
        Assert.Contains(FormattableString.Invariant($"| before, 4 layers | {before:f4} |"), card, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"| after, 3 layers | {after:f4} |"), card, StringComparison.Ordinal);
        Assert.Contains("perplexity on `text.txt`", card, StringComparison.Ordinal);
        Assert.Contains("`README-original.md`", card, StringComparison.Ordinal);
        Assert.Equal("licence: mine", File.ReadAllText(Path.Combine(Output, "README-original.md")));
        Assert.Equal(["README-original.md", "README.md", "chat_template.jinja", "config.json", "expected.json", "model.safetensors", "tokenizer.json"], Files());
        Assert.Equal("tools", File.ReadAllText(Path.Combine(Output, "additional_chat_templates", "tools.jinja")));

        // Pruned once more, no card is lost.
        ToolRun again = ToolRun.Of("prune", "--model", Output, "--drop-layers", "0", "--output", _model.Beside("again"));
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal("licence: mine", File.ReadAllText(Path.Combine(_model.Beside("again"), "README-original.md")));
        Assert.Equal(card, File.ReadAllText(Path.Combine(_model.Beside("again"), "README-original-2.md")));
    }

    [Fact]
    public void A_share_to_keep_is_chosen_by_a_method_which_the_card_names()
    {
        _model.AddTokenizer();
        string text = Text();
        ToolRun run = Prune("--keep-ratio", "0.5", "--method", "Greedy", "--text", text, "--cache-folder", _model.Cache, "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal([1, 2], run.Ints("dropped"));
        Assert.Contains("| chosen | by the method greedy (SLEB, 2402.09025; FinerCut, 2405.18218) |", File.ReadAllText(Path.Combine(Output, "README.md")), StringComparison.Ordinal);
        Directory.Delete(Output, recursive: true);
        Assert.Contains("nothing would be dropped", Refused("--keep-ratio", "0.95", "--text", text, "--cache-folder", _model.Cache), StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_s_best_plan_is_dropped_where_it_is_whole_layers_of_this_model()
    {
        string whole = Profile(LayerPlan.LayerSkip(4, [1], [1]));
        Assert.Equal([1], Prune("--profile", whole, "--json").Ints("dropped"));
        Directory.Delete(Output, recursive: true);
        Assert.Equal([2, 3], Prune("--profile", Profile(LayerPlan.EarlyExit(4, 2)), "--json").Ints("dropped"));
        Directory.Delete(Output, recursive: true);

        Assert.Contains("leaves out the attention of layer 1 and keeps its MLP", Refused("--profile", Profile(LayerPlan.LayerSkip(4, [1, 2], [2]))), StringComparison.Ordinal);
        Assert.Contains("leaves out the MLP of layer 3 and keeps its attention", Refused("--profile", Profile(LayerPlan.LayerSkip(4, [1], [1, 3]))), StringComparison.Ordinal);
        Assert.Contains("in another order or more than once", Refused("--profile", Profile(LayerPlan.Of(4, LayerPlan.Full(4).Blocks.Reverse()))), StringComparison.Ordinal);
        Assert.Contains("chosen for another model", Refused("--profile", Profile(LayerPlan.LayerSkip(4, [1], [1]), new string('0', 32))), StringComparison.Ordinal);
        Assert.Contains("there is no drafting profile", Refused("--profile", _model.Beside("none.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_that_ends_with_a_bridge_is_refused_since_no_checkpoint_says_one()
    {
        string profile = _model.Beside("bridged.json");
        new DraftingProfile
        {
            Model = new ModelIdentity("llama", 4, 512), Plans = [new ProfilePlan { Plan = LayerPlan.BridgedExit(4, 2) }, new ProfilePlan { Plan = LayerPlan.EarlyExit(4, 2) }],
            Bridges = [new LinearBridge(1, [1f, 1f], [0f, 0f], [0f, 0f])],
        }.Save(profile);
        string message = Refused("--profile", profile);
        Assert.Contains("bridged.json: its best plan ends with the bridge behind layer 1, which no checkpoint folder can say: name the layers to drop yourself.", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
        Assert.Contains("bridge behind layer 1", Assert.Throws<SpecDecodeException>(() => LayerPruning.LayersOf(DraftingProfile.Load(profile))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_would_not_be_a_model_or_is_none_is_a_sentence()
    {
        Assert.Contains("All 4 layers would be dropped", Refused("--drop-layers", "0-3"), StringComparison.Ordinal);
        Assert.Contains("layers go from 0 to 3", Refused("--drop-layers", "4"), StringComparison.Ordinal);
        Assert.Equal(0, ToolRun.Of("prepare", "--model", _model.Folder, "--output", _model.Beside("prepared")).ExitCode);
        ToolRun prepared = ToolRun.Of("prune", "--model", _model.Beside("prepared"), "--drop-layers", "1", "--output", Output);
        Assert.Contains("is a prepared folder", Assert.Single(prepared.Complaints), StringComparison.Ordinal);

        byte[] weights = File.ReadAllBytes(_model.Weights);
        File.WriteAllBytes(_model.Weights, weights[..^10]);
        Assert.Contains("model.safetensors", Refused("--drop-layers", "1"), StringComparison.Ordinal);
        _model.Config(("model_type", "mamba"));
        Refused("--drop-layers", "1");
    }

    [Fact]
    public void An_output_that_is_there_lies_inside_the_model_or_cannot_be_made_is_refused_and_everything_stays()
    {
        string[] before = Directory.GetFileSystemEntries(_model.Folder);
        Directory.CreateDirectory(Output);
        Assert.Contains("exists already", Refused("--drop-layers", "1"), StringComparison.Ordinal);
        Directory.Delete(Output);
        foreach ((string output, string said) in ((string, string)[])
            [
                (_model.FileOf("config.json"), "exists already"), (_model.Folder, "exists already"), (_model.FileOf("inside"), "inside the checkpoint's own folder"),
                (Path.Combine(_model.FileOf("config.json"), "below"), "is not there"), (_model.Beside("no/where"), "is not there"), (" ", "is no path"), ("/", "root"),
            ])
        {
            ToolRun run = ToolRun.Of("prune", "--model", _model.Folder, "--drop-layers", "1", "--output", output);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
        }

        Assert.Equal(before, Directory.GetFileSystemEntries(_model.Folder));
        Assert.Equal([_model.Folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(Output)!));
    }

    [Fact]
    public void Links_are_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");

        // As a hub's cache has it: the folder's files are links to others; and a link into the folder is inside it, one that leads nowhere is there.
        string blobs = _model.Beside("blobs");
        Directory.CreateDirectory(blobs);
        foreach (string file in Directory.GetFiles(_model.Folder))
        {
            string blob = Path.Combine(blobs, Path.GetFileName(file));
            File.Move(file, blob);
            File.CreateSymbolicLink(file, blob);
        }

        Directory.CreateSymbolicLink(_model.Beside("link"), _model.Folder);
        Assert.Contains("inside the checkpoint's own folder", RefusedAt(Path.Combine(_model.Beside("link"), "inside")), StringComparison.Ordinal);
        File.CreateSymbolicLink(_model.Beside("nowhere"), _model.Beside("gone"));
        Assert.Contains("exists already", RefusedAt(_model.Beside("nowhere")), StringComparison.Ordinal);

        Assert.Equal(0, ToolRun.Of("prune", "--model", _model.Beside("link"), "--drop-layers", "1", "--output", Output).ExitCode);
        Assert.All(Directory.GetFiles(Output), file => Assert.Null(new FileInfo(file).LinkTarget));

        File.CreateSymbolicLink(_model.FileOf("LICENSE"), _model.Beside("gone"));
        Assert.Contains("LICENSE", RefusedAt(_model.Beside("other")), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_model.Beside("other")));
    }

    [Fact]
    public void Who_may_read_the_original_may_read_the_copy_and_nobody_may_run_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no modes.");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_model.Weights, UnixFileMode.UserRead);
            File.SetUnixFileMode(_model.FileOf("expected.json"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
            Assert.Equal(0, Prune("--drop-layers", "1").ExitCode);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Output, "model.safetensors")));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(Path.Combine(Output, "expected.json")));
        }
    }

    [Fact]
    public void Cancelling_in_the_middle_leaves_nothing()
    {
        using CancellationTokenSource enough = new();
        bool wasThere = false;
        Assert.Throws<OperationCanceledException>(() => LayerPruning.Prune(_model.Folder, [1], Output, null, new Told(_ =>
        {
            wasThere |= Path.Exists(Output);
            enough.Cancel();
        }), enough.Token));
        Assert.False(wasThere);
        Assert.Equal([_model.Folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(Output)!));
    }

    [Fact]
    public async Task A_disk_without_room_is_a_sentence_and_leaves_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs a shell that limits the size of files.");
        using Process process = ToolRun.StartInShell(
            $"trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -f 8000; {ToolRun.Command} \"$@\"", ["prune", "--model", FixtureCheckpoint.Tales, "--drop-layers", "1", "--output", Output]);
        ToolRun run = await ToolRun.End(process);
        Assert.True(run.ExitCode == 1, run.Error);
        Assert.Contains("the pruned folder cannot be written there", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Equal([_model.Folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(Output)!));
    }

    [Fact]
    public void A_place_where_nothing_can_be_written_is_a_sentence()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs a folder that nobody can write to.");
        Assert.Contains("cannot be written there", RefusedAt("/proc/pruned"), StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_without_the_prefix_stay_without_it()
    {
        string expected = ToolRun.On(_model, "logits", "--tokens", "1,2,3", "--skip-attention", "0", "--skip-mlp", "0").Output;
        _model.Tensors(tensor => tensor with { Name = tensor.Name.StartsWith("model.", StringComparison.Ordinal) ? tensor.Name["model.".Length..] : tensor.Name });
        Assert.Equal(0, Prune("--drop-layers", "0").ExitCode);
        Assert.Equal(expected, ToolRun.Of("logits", "--model", Output, "--cache-folder", _model.Cache, "--tokens", "1,2,3").Output);
        Assert.Contains("\"layers.2.mlp", File.ReadAllText(Path.Combine(Output, "model.safetensors")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Say which layers to drop")]
    [InlineData("both say which layers", "--drop-layers", "1", "--profile", "p")]
    [InlineData("--keep-ratio needs --text", "--keep-ratio", "0.5")]
    [InlineData("--method has no effect", "--drop-layers", "1", "--method", "greedy")]
    [InlineData("--max-tokens has no effect without --text", "--drop-layers", "1", "--max-tokens", "4")]
    [InlineData("--precision has no effect without --text", "--drop-layers", "1", "--precision", "int8")]
    [InlineData("give a share above 0 and below 1", "--keep-ratio", "1", "--text", "t")]
    [InlineData("give one of block-influence", "--keep-ratio", "0.5", "--text", "t", "--method", "random")]
    public void Options_that_contradict_or_have_no_effect_are_misuse(string said, params string[] options)
    {
        ToolRun run = Prune(options);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
    }

    private ToolRun Prune(params string[] options) => ToolRun.Of(["prune", "--model", _model.Folder, "--output", Output, .. options]);

    private string Refused(params string[] options)
    {
        bool isThere = Directory.Exists(Output);
        ToolRun run = Prune(options);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Equal(isThere, Directory.Exists(Output));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(Path.GetDirectoryName(Output)!), path => path.EndsWith(".tmp", StringComparison.Ordinal));
        return Assert.Single(run.Complaints);
    }

    private string RefusedAt(string output)
    {
        ToolRun run = ToolRun.Of("prune", "--model", _model.Folder, "--drop-layers", "1", "--output", output);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        return Assert.Single(run.Complaints);
    }

    private string[] Files() => [.. Directory.GetFiles(Output).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private string Text()
    {
        string path = _model.Beside("text.txt");
        File.WriteAllText(path, "once upon a time there was a bird\n\nwho could not sing at all");
        return path;
    }

    private double Perplexity(string folder, string text) =>
        ToolRun.Of("perplexity", "--model", folder, "--cache-folder", _model.Cache, "--text", text, "--json").Json.GetProperty("perplexity").GetDouble();

    private string Profile(LayerPlan plan, string? fingerprint = null)
    {
        string path = _model.Beside("profile.json");
        new DraftingProfile { Model = new ModelIdentity("llama", 4, 512, fingerprint), Plans = [new ProfilePlan { Plan = plan }] }.Save(path);
        return path;
    }

    private sealed class Told(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
