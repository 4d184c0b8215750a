using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>How the types of a checkpoint, the kernels and a prepared folder decide what weights are stored as.</summary>
public sealed class KernelSettingsTests
{
    private static readonly TensorEntry[] BFloat16 = [Tensor("a", "BF16", 4, 4), Tensor("norm", "F32", 4)];
    private static readonly TensorEntry[] Mixed = [Tensor("a", "BF16", 4, 4), Tensor("b", "F16", 4, 4), Tensor("c", "F32", 4, 4)];

    private static KernelChoice Default => InstructionSets.IsKnown ? KernelChoice.Own : KernelChoice.OnnxRuntime;

    [Theory]
    [InlineData("BF16", Precision.Bf16)]
    [InlineData("F16", Precision.Fp16)]
    [InlineData("F32", Precision.Fp32)]
    public void Without_options_matrices_are_as_they_are_stored_and_with_ONNX_Runtimes_kernels_in_float32(string type, Precision stored)
    {
        // Vectors have no say, nor has what is no weight.
        TensorEntry[] tensors = [Tensor("a", type, 4, 4), Tensor("norm", "F32", 4), Tensor("other", "BF16", 4), Tensor("mask", "U8", 4, 4)];
        foreach (Precision? asked in (Precision?[])[null, Precision.Stored])
        {
            Assert.Equal(
                new WeightSettings(stored, stored, 32, TensorLayout.Panels),
                WeightSettings.Of(new ModelOptions { Precision = asked, Kernels = KernelChoice.Own }, tensors));
            Assert.Equal(
                new WeightSettings(Precision.Fp32, Precision.Fp32, 32, TensorLayout.Rows),
                WeightSettings.Of(new ModelOptions { Precision = asked, Kernels = KernelChoice.OnnxRuntime }, tensors));
        }

        Assert.Equal(
            WeightSettings.Of(new ModelOptions { Kernels = Default }, tensors), WeightSettings.Of(new ModelOptions(), tensors));
    }

    [Fact]
    public void Several_types_stay_what_they_are()
    {
        Assert.Equal(new WeightSettings(Precision.Stored, Precision.Stored, 32), WeightSettings.Of(new ModelOptions { Kernels = KernelChoice.Own }, Mixed));
        Assert.Equal(
            new WeightSettings(Precision.Int4, Precision.Stored, 32),
            WeightSettings.Of(new ModelOptions { Precision = Precision.Int4, HeadPrecision = Precision.Stored, Kernels = KernelChoice.Own }, Mixed));
        Assert.Equal(
            new WeightSettings(Precision.Fp32, Precision.Fp32, 32, TensorLayout.Rows),
            WeightSettings.Of(new ModelOptions { Precision = Precision.Stored, Kernels = KernelChoice.OnnxRuntime }, Mixed));
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void A_precision_by_name_is_that_of_the_head_too(Precision precision) => Assert.Equal(
        new WeightSettings(precision, precision, 32), WeightSettings.Of(new ModelOptions { Precision = precision, Kernels = KernelChoice.Own }, Mixed));

    [Theory]
    [InlineData(null)]
    [InlineData(Precision.Stored)]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    [InlineData(Precision.Fp32)]
    public void A_block_size_that_would_have_no_effect_is_refused(Precision? precision) => Assert.Contains(
        "nothing is quantised",
        Assert.Throws<OptionException>(() => WeightSettings.Of(new ModelOptions { BlockSize = 32, Precision = precision, Kernels = KernelChoice.Own }, BFloat16)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_precision_that_there_is_not_is_refused()
    {
        Assert.Equal("Model:Precision", Assert.Throws<OptionException>(() => WeightSettings.Of(new ModelOptions { Precision = (Precision)77 }, BFloat16)).Option);
        Assert.Equal("Model:HeadPrecision", Assert.Throws<OptionException>(() => WeightSettings.Of(new ModelOptions { HeadPrecision = (Precision)(-1) }, BFloat16)).Option);
    }

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void Sixteen_bits_are_refused_with_kernels_that_do_not_take_them(Precision precision)
    {
        foreach (ModelOptions options in (ModelOptions[])
            [new() { Precision = precision }, new() { HeadPrecision = precision }, new() { Precision = Precision.Int8, HeadPrecision = precision }])
        {
            options.Kernels = KernelChoice.OnnxRuntime;
            OptionException error = Assert.Throws<OptionException>(() => WeightSettings.Of(options, BFloat16));
            Assert.Equal(options.HeadPrecision is null ? "Model:Precision" : "Model:HeadPrecision", error.Option);
            Assert.Contains("give stored or fp32", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Options_are_held_to_what_a_prepared_folder_has()
    {
        SourceTensor[] sources = [new("a", "BF16", [4, 4]), new("norm", "F32", [4])];
        WeightSettings panels = new(Precision.Bf16, Precision.Bf16, 32);
        WeightSettings rows = new(Precision.Fp32, Precision.Fp32, 32, TensorLayout.Rows);
        foreach (ModelOptions options in (ModelOptions[])
            [new(), new() { Precision = Precision.Stored }, new() { Precision = Precision.Bf16, HeadPrecision = Precision.Stored }, new() { Kernels = KernelChoice.Own }])
        {
            panels.CheckAgainst("folder", options, sources);
        }

        foreach (ModelOptions options in (ModelOptions[])
            [new(), new() { Precision = Precision.Stored }, new() { Precision = Precision.Fp32 }, new() { Kernels = KernelChoice.OnnxRuntime }])
        {
            rows.CheckAgainst("folder", options, sources);
        }

        AssertRefused(panels, sources, "Model:Precision", new ModelOptions { Precision = Precision.Fp32 });
        AssertRefused(panels, sources, "Model:HeadPrecision", new ModelOptions { HeadPrecision = Precision.Int8 });
        AssertRefused(panels, sources, "Model:Kernels", new ModelOptions { Kernels = KernelChoice.OnnxRuntime });
        AssertRefused(rows, sources, "Model:Kernels", new ModelOptions { Kernels = KernelChoice.Own });
        AssertRefused(rows, sources, "Model:Precision", new ModelOptions { Precision = Precision.Bf16 });
    }

    [Fact]
    public void Each_matrix_of_several_types_keeps_its_own_and_one_put_together_of_two_is_float32()
    {
        DecoderDescription model = SpecDecode.Families.ModelFamilies.Describe(Checkpoint.Open(Path.Combine(TestFolders.Fixtures, "llama_base")));
        string[] types = ["BF16", "F16", "F32"];
        Dictionary<string, TensorEntry> tensors = model.Tensors.SelectMany(recipe => recipe.Parts).Select(part => part.Source).Distinct().Order(StringComparer.Ordinal)
            .Select((name, i) => Tensor(name, types[i % 3], 4, 4)).ToDictionary(tensor => tensor.Name);
        WeightSettings settings = WeightSettings.Of(new ModelOptions { Kernels = KernelChoice.Own }, tensors.Values);
        Assert.Equal(Precision.Stored, settings.Precision);
        HashSet<string> multiplied = [.. model.Linears.Select(linear => linear.Weight)];
        int mixed = 0;
        foreach (TensorRecipe recipe in settings.Recipes(model, tensors))
        {
            string[] sources = [.. recipe.Parts.Select(part => tensors[part.Source].DType).Distinct()];
            mixed += sources.Length > 1 ? 1 : 0;
            Precision expected = recipe.Columns == 0 || sources.Length > 1 ? Precision.Fp32 : sources[0] switch { "BF16" => Precision.Bf16, "F16" => Precision.Fp16, _ => Precision.Fp32 };
            TensorLayout layout = recipe.Columns > 0 && multiplied.Contains(recipe.Name) ? TensorLayout.Panels : TensorLayout.Rows;
            Assert.Equal(new TensorFormat(expected, 0, layout), recipe.Format);
        }

        Assert.True(mixed > 0);
    }

    private static void AssertRefused(WeightSettings held, SourceTensor[] sources, string option, ModelOptions asked)
    {
        OptionException error = Assert.Throws<OptionException>(() => held.CheckAgainst("folder", asked, sources));
        Assert.Equal(option, error.Option);
        Assert.StartsWith("folder: the prepared weights in it have the ", error.Message, StringComparison.Ordinal);
    }

    private static TensorEntry Tensor(string name, string type, params long[] shape) => new(name, type, [.. shape], "file", 0, 0);
}
