using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class WeightSettingsTests
{
    private static readonly TensorEntry[] BFloat16 = Matrices("BF16", "BF16");

    [Theory]
    [InlineData("F32", Precision.Fp32)]
    [InlineData("BF16", Precision.Bf16)]
    [InlineData("F16", Precision.Fp16)]
    public void Without_options_everything_is_as_the_checkpoint_stores_it(string type, Precision precision)
    {
        Assert.Equal(new WeightSettings(precision, precision, 32), WeightSettings.Of(new ModelOptions { Kernels = KernelChoice.Own }, Matrices(type, type)));
        Assert.Equal(
            WeightSettings.Float32 with { Layout = TensorLayout.Rows },
            WeightSettings.Of(new ModelOptions { Kernels = KernelChoice.OnnxRuntime }, Matrices(type, type)));
    }

    [Fact]
    public void Where_types_are_mixed_each_tensor_stays_as_it_is() => Assert.Equal(
        new WeightSettings(Precision.Stored, Precision.Stored, 32),
        WeightSettings.Of(new ModelOptions { Kernels = KernelChoice.Own }, Matrices("BF16", "F32")));

    [Fact]
    public void A_precision_by_name_holds_whatever_the_checkpoint_stores() => Assert.Equal(
        new WeightSettings(Precision.Fp16, Precision.Fp32, 32),
        WeightSettings.Of(new ModelOptions { Precision = Precision.Fp16, HeadPrecision = Precision.Fp32, Kernels = KernelChoice.Own }, BFloat16));

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void What_onnx_runtimes_kernels_do_not_take_is_refused(Precision precision) => Assert.Contains(
        "give stored or fp32",
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { Precision = precision, Kernels = KernelChoice.OnnxRuntime }, BFloat16)).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_quantised_model_has_an_int8_head_and_blocks_of_32_unless_asked_otherwise(Precision precision)
    {
        Assert.Equal(new WeightSettings(precision, Precision.Int8, 32), WeightSettings.Of(new ModelOptions { Precision = precision }, BFloat16));
        Assert.Equal(
            new WeightSettings(precision, Precision.Fp32, 64),
            WeightSettings.Of(new ModelOptions { Precision = precision, HeadPrecision = Precision.Fp32, BlockSize = 64 }, BFloat16));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-32)]
    [InlineData(8)]
    [InlineData(33)]
    [InlineData(512)]
    [InlineData(int.MaxValue)]
    public void A_block_size_that_no_kernel_has_is_refused(int blockSize)
    {
        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { Precision = Precision.Int4, BlockSize = blockSize }, BFloat16));
        Assert.Contains("give 16, 32, 64, 128 or 256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_size_that_would_have_no_effect_is_refused() => Assert.Contains(
        "nothing is quantised",
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { BlockSize = 32 }, BFloat16)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_precision_that_there_is_not_is_refused()
    {
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { Precision = (Precision)77 }, BFloat16));
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { HeadPrecision = (Precision)(-1) }, BFloat16));
    }

    private static TensorEntry[] Matrices(params string[] types) => [.. types.Select((type, i) => new TensorEntry($"{i}", type, [4, 4], "", 0, 0))];
}
