using SpecDecode.OnnxRuntime;

namespace SpecDecode.Tests.OnnxRuntime;

public sealed class ExecutionProviderTests
{
    private static RuntimeEnvironment Environment => RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });

    // The environment belongs to the process: it must be made as the library makes it, also where these tests come first.
    public ExecutionProviderTests() => RuntimeEnvironment.Get(new RuntimeOptions(), _ => { });

    [Fact]
    public void The_default_is_the_processor() => Assert.NotNull(ExecutionProvider.Get(new RuntimeOptions(), Environment).Buffers);

    [Theory]
    [InlineData("cuda", 0, "ExecutionProvider is 'cuda', but the application's native ONNX Runtime has no CUDA in it")]
    [InlineData("CUDA", 3, "ExecutionProvider is 'cuda', but the application's native ONNX Runtime has no CUDA in it")]
    [InlineData("cuda", -1, "DeviceId is -1: give 0 or more")]
    [InlineData("tpu", 0, "'tpu' is unknown: use cpu or cuda")]
    [InlineData("", 0, "'' is unknown: use cpu or cuda")]
    [InlineData("cpu", 1, "only device 0")]
    [InlineData("cpu", -1, "only device 0")]
    public void A_provider_that_cannot_be_had_is_refused_with_the_mend(string provider, int device, string said)
    {
        RuntimeOptions options = new() { ExecutionProvider = provider, DeviceId = device };
        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => ExecutionProvider.Get(options, Environment));

        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains("cpu", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void TF32_is_refused_where_there_is_no_product_to_shorten()
    {
        RuntimeOptions options = new() { ExecutionProvider = "cuda", Tf32 = true, ComputePrecision = ComputePrecision.Bf16 };
        OptionException error = Assert.Throws<OptionException>(() => ExecutionProvider.Check(options));

        Assert.Equal("Runtime:Tf32", error.Option);
        Assert.Contains("ComputePrecision is Bf16", error.Message, StringComparison.Ordinal);
        options.ComputePrecision = ComputePrecision.Fp32;
        ExecutionProvider.Check(options);
    }

    [Fact]
    public void What_the_options_ask_of_the_device_reaches_its_provider()
    {
        RuntimeOptions options = new() { ExecutionProvider = "cuda", DeviceId = 2 };
        Dictionary<string, string> plain = ExecutionProvider.CudaOptions(options, captures: false);
        options.DeviceMemoryMegabytes = 6000;
        Dictionary<string, string> limited = ExecutionProvider.CudaOptions(options, captures: true);

        Assert.Equal(("2", "0", false), (plain["device_id"], plain["enable_cuda_graph"], plain.ContainsKey("gpu_mem_limit")));
        Assert.Equal(("1", "6291456000"), (limited["enable_cuda_graph"], limited["gpu_mem_limit"]));
    }

    [Fact]
    public void Another_number_of_threads_than_the_pool_has_is_refused()
    {
        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => RuntimeEnvironment.Get(new RuntimeOptions { Threads = 61 }, _ => { }));

        Assert.StartsWith("Threads is 61,", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_choice_of_spinning_is_a_warning()
    {
        List<string> warnings = [];
        RuntimeEnvironment.Get(new RuntimeOptions { Spinning = true }, warnings.Add);

        Assert.Contains("Spinning is True", Assert.Single(warnings), StringComparison.Ordinal);
    }
}
