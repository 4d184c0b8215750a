using System.Collections.Immutable;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Where attention runs, and what is said where it cannot run on a device.</summary>
public sealed class DeviceAttentionChoiceTests
{
    public static TheoryData<ComputePrecision, KvPrecision, int, string> Problems => new()
    {
        { ComputePrecision.Fp32, KvPrecision.Fp32, 16, "CUDA's attention has kernels for 16 bits alone, and ComputePrecision is Fp32: give Fp16 or Bf16." },
        { ComputePrecision.Fp16, KvPrecision.Int8, 16, "keys and values on a device are stored in what the stages compute in, Fp16, and KvPrecision is Int8: leave KvPrecision out." },
        { ComputePrecision.Bf16, KvPrecision.Fp16, 16, "keys and values on a device are stored in what the stages compute in, Bf16, and KvPrecision is Fp16: leave KvPrecision out." },
        { ComputePrecision.Bf16, KvPrecision.Fp32, 272, "CUDA's attention takes heads of at most 256 channels, and those of this model (llama) have 272." },
    };

    [Theory]
    [MemberData(nameof(Problems))]
    public void What_the_device_cannot_do_is_an_error_where_it_is_asked_for_and_a_warning_where_nothing_is(ComputePrecision compute, KvPrecision stored, int headSize, string problem)
    {
        DecoderDescription model = Model(compute, headSize);
        RuntimeOptions options = new() { ExecutionProvider = "cuda", ComputePrecision = compute, KvPrecision = stored };
        List<string> warnings = [];

        Assert.False(DeviceAttention.IsWanted(model, options, warnings.Add));
        Assert.Equal($"Attention runs on the CPU, and in each layer its rows are copied: {problem}", Assert.Single(warnings));

        options.DeviceAttention = true;
        OptionException error = Assert.Throws<OptionException>(() => DeviceAttention.IsWanted(model, options, _ => { }));
        Assert.Equal("Runtime:DeviceAttention", error.Option);
        Assert.Equal($"DeviceAttention is true, but {problem} Or leave DeviceAttention out: attention then runs on the CPU.", error.Message);

        options.DeviceAttention = false;
        Assert.False(DeviceAttention.IsWanted(model, options, warning => Assert.Fail(warning)));
    }

    [Theory]
    [InlineData(ComputePrecision.Fp16, KvPrecision.Fp32)]
    [InlineData(ComputePrecision.Fp16, KvPrecision.Fp16)]
    [InlineData(ComputePrecision.Bf16, KvPrecision.Fp32)]
    public void In_16_bits_it_runs_there_without_being_asked_for(ComputePrecision compute, KvPrecision stored)
    {
        RuntimeOptions options = new() { ExecutionProvider = "cuda", ComputePrecision = compute, KvPrecision = stored };

        Assert.True(DeviceAttention.IsWanted(Model(compute, 16), options, warning => Assert.Fail(warning)));
        options.ExecutionProvider = "cpu";
        Assert.False(DeviceAttention.IsWanted(Model(compute, 16), options, warning => Assert.Fail(warning)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void On_the_CPU_there_is_nothing_to_choose(bool asked)
    {
        OptionException error = Assert.Throws<OptionException>(() => ExecutionProvider.Check(new RuntimeOptions { DeviceAttention = asked }));

        Assert.Equal("Runtime:DeviceAttention", error.Option);
        Assert.Contains("the execution provider 'cpu' is no device: leave it out, or use cuda", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CUDA_graphs_are_refused_where_rows_are_copied_in()
    {
        RuntimeOptions options = new() { ExecutionProvider = "cuda", CudaGraphs = true };
        OptionException error = Assert.Throws<OptionException>(() => DeviceAttention.CheckGraphs(attendsOnDevice: false, options));

        Assert.Equal("Runtime:CudaGraphs", error.Option);
        Assert.Equal(
            "CudaGraphs is true, but attention runs on the CPU, so that rows of each layer are copied in, which cannot be captured: have attention run on the device (DeviceAttention, with Fp16 or Bf16 as ComputePrecision), or leave CudaGraphs out.",
            error.Message);
        DeviceAttention.CheckGraphs(attendsOnDevice: true, options);
        options.CudaGraphs = false;
        DeviceAttention.CheckGraphs(attendsOnDevice: false, options);
    }

    [Fact]
    public void Segments_are_refused_where_attention_is_elsewhere_and_where_layers_are_parallel()
    {
        RuntimeOptions options = new() { ExecutionProvider = "cuda", DeviceSegments = true };
        DecoderDescription model = Model(ComputePrecision.Fp16, 64);
        DecoderDescription parallel = model with { Layers = [model.Layers[0] with { IsParallel = true }] };
        OptionException error = Assert.Throws<OptionException>(() => DeviceAttention.CheckSegments(model, attendsOnDevice: false, options));

        Assert.Equal("Runtime:DeviceSegments", error.Option);
        Assert.Equal(
            "DeviceSegments is true, but attention runs on the CPU, so that blocks cannot be one call of the device: have attention run there (DeviceAttention, with Fp16 or Bf16 as ComputePrecision), or leave DeviceSegments out.",
            error.Message);
        error = Assert.Throws<OptionException>(() => DeviceAttention.CheckSegments(parallel, attendsOnDevice: true, options));
        Assert.Equal(
            $"DeviceSegments is true, but layers of this model ({model.Family}) are parallel, so that more than the residual goes from block to block: leave DeviceSegments out.",
            error.Message);
        DeviceAttention.CheckSegments(model, attendsOnDevice: true, options);
        options.DeviceSegments = false;
        DeviceAttention.CheckSegments(parallel, attendsOnDevice: false, options);
    }

    private static DecoderDescription Model(ComputePrecision compute, int headSize)
    {
        using ModelFolder folder = ModelFolder.Open(Path.Combine(TestFolders.Fixtures, "llama_base"), new ModelOptions { CacheFolder = TestFolders.WeightCache });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint) with { ElementType = ElementTypes.Of(compute) };
        LayerDescription layer = model.Layers[0];
        return model with { Layers = ImmutableArray.Create(layer with { Attention = layer.Attention with { Attend = layer.Attention.Attend with { HeadSize = headSize } } }) };
    }
}
