using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Models;
using SpecDecode.Tests.Weights;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Tool;

public sealed class PrepareCommandTests : IDisposable
{
    private const string Weights = "specdecode.weights";

    private readonly FixtureCheckpoint _model = new();

    private string Output => _model.Beside("shipped");

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("fp32")]
    [InlineData("int8")]
    [InlineData("int4")]
    public void A_prepared_folder_gives_the_logits_of_the_checkpoint_in_its_precision_without_the_original_weights(string precision)
    {
        string expected = ToolRun.On(_model, "logits", "--tokens", "1,2,3", "--precision", precision).Output;
        _model.AddTokenizer();
        Prepare("--precision", precision);

        Assert.Equal(["config.json", "expected.json", Weights, "tokenizer.json"], Directory.GetFiles(Output).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Directory.Delete(_model.Folder, recursive: true);
        Assert.Equal(expected, Logits().Output);
        Assert.Equal(expected, Logits("--precision", precision).Output);
        Assert.Equal(0, ToolRun.Of("generate", "--model", Output, "--cache-folder", _model.Cache, "--prompt", "hello", "--max-tokens", "4").ExitCode);
    }

    [Fact]
    public void A_sharded_and_tied_checkpoint_can_be_prepared()
    {
        using FixtureCheckpoint sharded = new("llama_rope3_sharded");
        string expected = ToolRun.On(sharded, "logits", "--tokens", "1,2,3", "--precision", "int8").Output;
        Assert.Equal(0, ToolRun.Of("prepare", "--model", sharded.Folder, "--precision", "int8", "--output", Output).ExitCode);

        Assert.DoesNotContain(Directory.GetFiles(Output), file => file.EndsWith(".index.json", StringComparison.Ordinal) || file.EndsWith(".safetensors", StringComparison.Ordinal));
        Assert.Equal(expected, Logits().Output);
    }

    [Fact]
    public void Without_output_the_cache_folder_holds_what_loading_then_finds()
    {
        ToolRun run = ToolRun.On(_model, "prepare", "--precision", "int4", "--json");
        Assert.Equal(0, run.ExitCode);
        string path = run.Json.GetProperty("path").GetString()!;
        Assert.Equal(new FileInfo(path).Length, run.Json.GetProperty("bytes").GetInt64());
        Assert.Equal("int4", run.Json.GetProperty("precision").GetString());
        Assert.Equal("int8", run.Json.GetProperty("head_precision").GetString());
        Assert.Equal(32, run.Json.GetProperty("block_size").GetInt32());
        DateTime written = File.GetLastWriteTimeUtc(path);

        Assert.Equal(0, ToolRun.On(_model, "logits", "--tokens", "1", "--precision", "int4").ExitCode);
        Assert.Equal([path], Directory.GetFiles(_model.Cache, "*.weights"));
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
    }

    [Theory]
    [InlineData("precision int4, and int8 is asked for: leave --precision unset", "--precision", "int8")]
    [InlineData("precision int4, and fp32 is asked for", "--precision", "fp32")]
    [InlineData("head precision int8, and int4 is asked for", "--head-precision", "int4")]
    [InlineData("block size 32, and 64 is asked for: leave --block-size unset", "--block-size", "64")]
    public void Asking_for_something_else_than_a_prepared_folder_holds_is_refused(string said, params string[] options)
    {
        Prepare("--precision", "int4");
        AssertComplains(said, Logits(options));
    }

    [Fact]
    public void A_folder_that_exists_is_refused_and_stays_as_it_is()
    {
        Directory.CreateDirectory(Output);
        AssertComplains("exists already", ToolRun.Of("prepare", "--model", _model.Folder, "--output", Output));
        AssertComplains("exists already", ToolRun.Of("prepare", "--model", _model.Folder, "--output", _model.FileOf("config.json")));
        AssertComplains("cannot be the checkpoint's own", ToolRun.Of("prepare", "--model", _model.Folder, "--output", _model.Folder + "/"));
        Assert.Empty(Directory.GetFileSystemEntries(Output));
        Assert.Equal(["config.json", "expected.json", "model.safetensors"], Directory.GetFiles(_model.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_prepared_folder_is_not_prepared_again()
    {
        Prepare("--precision", "int8");
        AssertComplains("is a prepared folder already", ToolRun.Of("prepare", "--model", Output, "--output", _model.Beside("again")));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_a_sentence_that_names_it()
    {
        string below = Path.Combine(_model.FileOf("config.json"), "below");
        AssertComplains(below, ToolRun.Of("prepare", "--model", _model.Folder, "--output", below));
        AssertComplains("is no path", ToolRun.Of("prepare", "--model", _model.Folder, "--output", " "));
    }

    [Fact]
    public void Cancelling_leaves_no_folder()
    {
        using CancellationTokenSource enough = new();
        Assert.ThrowsAny<OperationCanceledException>(() => ModelPreparation.Prepare(
            _model.Folder, new ModelOptions { Precision = Precision.Int8 }, Output, new Told(progress =>
            {
                if (progress.Phase == LoadPhase.PreparingWeights)
                {
                    enough.Cancel();
                }
            }), enough.Token));
        Assert.Equal([_model.Folder], Directory.GetFileSystemEntries(Path.GetDirectoryName(Output)!));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    [InlineData(-45)]
    [InlineData(-20)]
    [InlineData(-1)]
    public void A_flipped_byte_in_the_weights_is_a_sentence_that_names_the_file(int place)
    {
        Prepare("--precision", "int4");
        string path = Path.Combine(Output, Weights);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[place < 0 ? bytes.Length + place : place] ^= 1;
        File.WriteAllBytes(path, bytes);
        AssertDamaged(path);
    }

    [Fact]
    public void Damage_that_nothing_shows_is_noticed_when_it_is_asked_for()
    {
        Prepare("--precision", "int4", "--verify-weights");
        Assert.Equal(0, Logits().ExitCode);
        StampedLoad.DamageUnseen(Path.Combine(Output, Weights), 5000);
        Assert.Equal(0, Logits().ExitCode);
        AssertComplains("is damaged", Logits("--verify-weights"));

        // In the cache folder it is mended, and of a checkpoint one is told.
        File.SetLastWriteTimeUtc(_model.Weights, StampedLoad.LongAgo);
        string path = ToolRun.On(_model, "prepare").Output.TrimEnd();
        byte[] sound = File.ReadAllBytes(path);
        StampedLoad.DamageUnseen(path, 5000);
        Assert.DoesNotContain("warning", ToolRun.On(_model, "prepare").Error, StringComparison.Ordinal);
        ToolRun mended = ToolRun.On(_model, "prepare", "--verify-weights");
        Assert.Equal(path, mended.Output.TrimEnd());
        Assert.Contains("specdecode: warning: " + path + ": these prepared weights are not used, since they are damaged", mended.Error, StringComparison.Ordinal);
        Assert.Equal(sound, File.ReadAllBytes(path));
        StampedLoad.DamageUnseen(_model.Weights);
        Assert.DoesNotContain("were changed and dated back", ToolRun.On(_model, "logits", "--tokens", "1").Error, StringComparison.Ordinal);
        Assert.Contains("were changed and dated back", ToolRun.On(_model, "logits", "--tokens", "1", "--verify-weights").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(-1)]
    public void Weights_cut_short_are_a_sentence_that_names_the_file(int length)
    {
        Prepare("--precision", "int8");
        string path = Path.Combine(Output, Weights);
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(length < 0 ? bytes.Length + length : length)]);
        AssertDamaged(path);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Weights_of_another_format_version_are_a_sentence_that_names_both(int version)
    {
        Prepare("--precision", "int8");
        string path = Path.Combine(Output, Weights);
        File.WriteAllBytes(path, FormatVersions.Rewrite(File.ReadAllBytes(path), version));
        AssertComplains($"{path}: is of format version {version}, and this version of the library reads 2 to 4: prepare the folder again from the original checkpoint", Logits());
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("int4")]
    public void A_folder_of_the_format_before_loads_and_says_once_whose_kernels_it_takes(string precision)
    {
        Prepare("--precision", precision, "--kernels", "onnxruntime");
        string expected = Logits().Output;
        Assert.DoesNotContain("format version", Logits().Error, StringComparison.Ordinal);
        string path = Path.Combine(Output, Weights);
        RewriteAsVersion2(path);

        ToolRun run = Logits();
        Assert.Equal(expected, run.Output);
        string warning = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line.Contains("format version", StringComparison.Ordinal));
        Assert.StartsWith($"specdecode: warning: {path}: is of format version 2, in which matrices lie for ONNX Runtime's kernels", warning, StringComparison.Ordinal);
        Assert.Contains("prepare the folder again from the original checkpoint", warning, StringComparison.Ordinal);

        // Whoever asks for these kernels knows.
        ToolRun asked = Logits("--kernels", "onnxruntime");
        Assert.Equal(expected, asked.Output);
        Assert.DoesNotContain("format version", asked.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_config_that_these_weights_do_not_fit_is_refused()
    {
        Prepare("--precision", "int8");
        string path = Path.Combine(Output, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 3", StringComparison.Ordinal));
        AssertComplains("does not belong to the config.json", Logits());
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 5", StringComparison.Ordinal));
        AssertComplains("model.layers.4", Logits());
    }

    [Fact]
    public void A_folder_with_both_kinds_of_weights_is_refused()
    {
        Prepare("--precision", "int8");
        File.Copy(_model.Weights, Path.Combine(Output, "model.safetensors"));
        AssertComplains("holds both model.safetensors and specdecode.weights", Logits());
    }

    [Fact]
    public void Options_without_effect_and_values_that_there_are_not_are_misuse()
    {
        foreach (string[] options in (string[][])
            [["--output", Output, "--cache-folder", _model.Cache], ["--precision", "int5"], ["--activations", "fp32"], ["--block-size", "0"]])
        {
            Assert.Equal(2, ToolRun.Of(["prepare", "--model", _model.Folder, .. options]).ExitCode);
        }

        AssertComplains("--block-size is 32, but nothing is quantised", ToolRun.Of("prepare", "--model", _model.Folder, "--output", Output, "--block-size", "32"));
        AssertComplains("--block-size is 48: give 16, 32", ToolRun.Of("prepare", "--model", _model.Folder, "--output", Output, "--precision", "int8", "--block-size", "48"));
    }

    private static void AssertComplains(string said, ToolRun run)
    {
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Output);
        Assert.Contains(said, Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    private void AssertDamaged(string path)
    {
        ToolRun run = Logits();
        AssertComplains(path, run);
        Assert.True(run.Error.Contains("damaged", StringComparison.Ordinal) || run.Error.Contains("empty", StringComparison.Ordinal), run.Error);
    }

    private void Prepare(params string[] options)
    {
        ToolRun run = ToolRun.Of(["prepare", "--model", _model.Folder, "--output", Output, .. options]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(Output, run.Output.TrimEnd());
    }

    // As the version before wrote it, whose key says so too.
    private void RewriteAsVersion2(string path)
    {
        PreparedWeightsFormat.Table table;
        using (SafeFileHandle file = File.OpenHandle(path))
        {
            table = PreparedWeightsFormat.ReadTable(file)!;
        }

        using Checkpoint checkpoint = Checkpoint.Open(_model.Folder);
        ImmutableArray<TensorRecipe> recipes = table.Origin.Settings.Recipes(ModelFamilies.Describe(checkpoint), checkpoint.Tensors);
        Assert.Equal(table.Key, table.Origin.Key(recipes));
        File.WriteAllBytes(path, FormatVersions.Rewrite(File.ReadAllBytes(path), 2, TensorLayout.Rows, (table.Key, table.Origin.Key(recipes, 2))));
    }

    private ToolRun Logits(params string[] options) => ToolRun.Of(["logits", "--model", Output, "--cache-folder", _model.Cache, "--tokens", "1,2,3", .. options]);

    private sealed class Told(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
