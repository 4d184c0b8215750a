using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class WeightSettingsTests
{
    [Fact]
    public void Without_options_everything_is_float32() => Assert.Equal(WeightSettings.Float32, WeightSettings.Of(new ModelOptions()));

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void A_quantised_model_has_an_int8_head_and_blocks_of_32_unless_asked_otherwise(Precision precision)
    {
        Assert.Equal(new WeightSettings(precision, Precision.Int8, 32), WeightSettings.Of(new ModelOptions { Precision = precision }));
        Assert.Equal(
            new WeightSettings(precision, Precision.Fp32, 64),
            WeightSettings.Of(new ModelOptions { Precision = precision, HeadPrecision = Precision.Fp32, BlockSize = 64 }));
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
        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { Precision = Precision.Int4, BlockSize = blockSize }));
        Assert.Contains("give 16, 32, 64, 128 or 256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_size_that_would_have_no_effect_is_refused() => Assert.Contains(
        "nothing is quantised",
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { BlockSize = 32 })).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_precision_that_there_is_not_is_refused()
    {
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { Precision = (Precision)7 }));
        Assert.ThrowsAny<SpecDecodeException>(() => WeightSettings.Of(new ModelOptions { HeadPrecision = (Precision)(-1) }));
    }
}
