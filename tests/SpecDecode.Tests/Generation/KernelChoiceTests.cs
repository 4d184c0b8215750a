using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Tests.Kernels;
using SpecDecode.Tests.Reference;
using SpecDecode.Tests.Tool;

#pragma warning disable xUnit1051 // Every call takes milliseconds.

namespace SpecDecode.Tests.Generation;

/// <summary>Whole models with kernels of this library: in the precision that they are stored in, in float32, mapped and copied, and with ONNX Runtime's kernels.</summary>
public sealed class KernelChoiceTests
{
    private static readonly GenerationRequest Story = new() { Prompt = "Once upon a time, there was a little", MaxTokens = 60, IgnoreEndOfSequence = true };

    [Theory]
    [InlineData("llama_base")]
    [InlineData("llama_hd8_linear_f16")]
    [InlineData("llama_hd24_mqa")]
    [InlineData("gpt_neox_in_turn")]
    [InlineData("gemma2_window_wide_head_40")]
    [InlineData("phi3_longrope_short")]
    [InlineData("qwen3_bias_head_24")]
    [InlineData("olmo2_bias_head_12")]
    [InlineData("smollm3_interval_windows")]
    public void Sixteen_stored_bits_give_the_logits_of_float32_bit_for_bit(string fixture)
    {
        string folder = Path.Combine(TestFolders.Fixtures, fixture);
        using FixtureCheckpoint checkpoint = new(fixture);
        int[] tokens = checkpoint.ExpectedInts("tokens");
        float[] stored = Logits(folder, new ModelOptions { Precision = Precision.Stored, Kernels = KernelChoice.Own }, tokens);
        float[] wide = Logits(folder, new ModelOptions { Precision = Precision.Fp32, Kernels = KernelChoice.Own }, tokens);
        Bits.AssertSame(wide, stored, fixture);
    }

    [Fact]
    public void The_story_model_gives_the_same_logits_stored_in_float32_mapped_and_copied()
    {
        int[] tokens = [.. Enumerable.Range(0, 50).Select(i => 5 + 80 * i % 4000)];
        float[] stored = Logits(TestFolders.StoryModel, new ModelOptions { Kernels = KernelChoice.Own }, tokens);
        Bits.AssertSame(Logits(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Fp32, Kernels = KernelChoice.Own }, tokens), stored, "float32");
        Bits.AssertSame(Logits(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Bf16, Kernels = KernelChoice.Own }, tokens), stored, "by name");
        Bits.AssertSame(Logits(TestFolders.StoryModel, new ModelOptions { Kernels = KernelChoice.Own, WeightMemory = WeightMemory.LargePages }, tokens), stored, "in large pages");
    }

    [Theory]
    [InlineData(Precision.Int8, ActivationPrecision.Int8)]
    [InlineData(Precision.Int4, ActivationPrecision.Int8)]
    [InlineData(Precision.Int4, ActivationPrecision.Fp32)]
    public void Rounded_weights_give_the_same_logits_mapped_and_copied(Precision precision, ActivationPrecision activations)
    {
        int[] tokens = [1, 7, 300, 4000, 12, 2];
        ModelOptions Options(WeightMemory memory) => new() { Precision = precision, Activations = activations, Kernels = KernelChoice.Own, WeightMemory = memory };
        Bits.AssertSame(
            Logits(TestFolders.StoryModel, Options(WeightMemory.Mapped), tokens), Logits(TestFolders.StoryModel, Options(WeightMemory.LargePages), tokens), $"{precision}");
    }

    [Fact]
    public void Own_kernels_and_ONNX_Runtimes_write_the_same_story_in_float32_with_logits_that_are_near()
    {
        using TextModel own = Load(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Fp32, Kernels = KernelChoice.Own });
        using TextModel other = Load(TestFolders.StoryModel, new ModelOptions { Precision = Precision.Fp32, Kernels = KernelChoice.OnnxRuntime });
        GenerationResult told = own.Generate(Story);
        Assert.Equal(60, told.Tokens.Count);
        Assert.Equal(other.Generate(Story).Text, told.Text);
        Assert.InRange(Difference(own.Evaluate(told.Tokens), other.Evaluate(told.Tokens)), 0, Expectation.LogitTolerance);
    }

    [Theory]
    [InlineData("llama_base")]
    [InlineData("mistral_window_1")]
    [InlineData("gpt_neox")]
    [InlineData("gemma2_no_caps_types")]
    [InlineData("phi3_longrope_between")]
    public void Own_kernels_and_ONNX_Runtimes_are_near_each_other_in_other_families(string fixture)
    {
        using FixtureCheckpoint checkpoint = new(fixture);
        int[] tokens = checkpoint.ExpectedInts("tokens");
        string folder = Path.Combine(TestFolders.Fixtures, fixture);
        using TextModel own = Load(folder, new ModelOptions { Kernels = KernelChoice.Own });
        using TextModel other = Load(folder, new ModelOptions { Kernels = KernelChoice.OnnxRuntime });
        Assert.InRange(Difference(own.Evaluate(tokens), other.Evaluate(tokens)), 0, Expectation.LogitTolerance);
    }

    [Fact]
    public void Values_that_there_are_not_are_refused()
    {
        Assert.Equal("Model:Kernels", Refused(new ModelOptions { Kernels = (KernelChoice)7 }).Option);
        Assert.Equal("Model:WeightMemory", Refused(new ModelOptions { WeightMemory = (WeightMemory)7 }).Option);
        Assert.Equal("Model:Precision", Refused(new ModelOptions { Precision = (Precision)(-1) }).Option);
        Assert.Equal("Model:Precision", Refused(new ModelOptions { Precision = Precision.Bf16, Kernels = KernelChoice.OnnxRuntime }).Option);
        Assert.Equal("Model:HeadPrecision", Refused(new ModelOptions { HeadPrecision = Precision.Fp16, Kernels = KernelChoice.OnnxRuntime }).Option);

        static OptionException Refused(ModelOptions options) => Assert.Throws<OptionException>(() => Load(TestFolders.StoryModel, options));
    }

    [Fact]
    public void A_prepared_folder_is_loaded_as_it_was_prepared_and_refused_for_anything_else()
    {
        using FixtureCheckpoint model = new("llama_base");
        string panels = model.Beside("panels");
        string rows = model.Beside("rows");
        ModelPreparation.Prepare(model.Folder, new ModelOptions { Kernels = KernelChoice.Own }, panels);
        ModelPreparation.Prepare(model.Folder, new ModelOptions { Kernels = KernelChoice.OnnxRuntime }, rows);
        int[] tokens = [1, 2, 3, 4];
        Bits.AssertSame(Logits(model.Folder, new ModelOptions { Kernels = KernelChoice.Own }, tokens), Logits(panels, new ModelOptions(), tokens), "panels");
        Bits.AssertSame(Logits(model.Folder, new ModelOptions { Kernels = KernelChoice.OnnxRuntime }, tokens), Logits(rows, new ModelOptions(), tokens), "rows");
        Bits.AssertSame(Logits(panels, new ModelOptions { Precision = Precision.Stored, WeightMemory = WeightMemory.LargePages }, tokens), Logits(panels, new ModelOptions { Precision = Precision.Bf16 }, tokens), "by name");

        Assert.Equal("Model:Kernels", Assert.Throws<OptionException>(() => Load(panels, new ModelOptions { Kernels = KernelChoice.OnnxRuntime })).Option);
        Assert.Equal("Model:Kernels", Assert.Throws<OptionException>(() => Load(rows, new ModelOptions { Kernels = KernelChoice.Own })).Option);
        Assert.Equal("Model:Precision", Assert.Throws<OptionException>(() => Load(panels, new ModelOptions { Precision = Precision.Fp32 })).Option);
        Assert.Equal("Model:Precision", Assert.Throws<OptionException>(() => Load(rows, new ModelOptions { Precision = Precision.Int8 })).Option);
        Assert.Equal("Model:HeadPrecision", Assert.Throws<OptionException>(() => Load(panels, new ModelOptions { HeadPrecision = Precision.Int4 })).Option);
    }

    private static float[] Logits(string folder, ModelOptions options, int[] tokens)
    {
        using TextModel model = Load(folder, options);
        return [.. model.Evaluate(tokens).LastLogits];
    }

    private static double Difference(LogitsResult first, LogitsResult second) =>
        first.LastLogits.Zip(second.LastLogits, (a, b) => Math.Abs((double)a - b)).Max();

    private static TextModel Load(string folder, ModelOptions options)
    {
        options.CacheFolder = TestFolders.WeightCache;
        return PlainModel.Load(folder, options);
    }
}
