using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Memory;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Stages of this library's operators alone are not asked how rows must be run; asked, they say the same.</summary>
public sealed class RowRuleTests
{
    public static TheoryData<string, Precision?> Models
    {
        get
        {
            TheoryData<string, Precision?> data = [];
            foreach (Precision? precision in (Precision?[])[null, Precision.Fp32, Precision.Int8, Precision.Int4])
            {
                data.Add(TestFolders.StoryModel, precision);
                data.Add(Path.Combine(TestFolders.Fixtures, "qwen2"), precision);
                data.Add(Path.Combine(TestFolders.Fixtures, "llama_hd24_mqa"), precision);
                data.Add(Path.Combine(TestFolders.Fixtures, "llama_tied_bias_f32"), precision);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void What_is_taken_for_granted_is_what_the_stages_say(string folder, Precision? precision)
    {
        using Loaded loaded = new(folder, new ModelOptions { Precision = precision, Kernels = KernelChoice.Own });
        Assert.Equal((RowRule.Free, RowRule.Free), (loaded.Sessions.BlockRows, loaded.Sessions.HeadRows));
        Assert.Equal(RowRule.Free, RowProbe.Blocks(loaded.Model, loaded.Sessions, loaded.Buffers));
        Assert.Equal(RowRule.Free, RowProbe.Head(loaded.Model, loaded.Sessions, loaded.Buffers));
    }

    // Norms of queries and keys, norms behind the products, an activation, a bound on logits: nodes of ONNX Runtime. With its kernels everything is.
    [Theory]
    [InlineData("gpt_neox", null, KernelChoice.Own, true)]
    [InlineData("qwen3", null, KernelChoice.Own, true)]
    [InlineData("gemma2", null, KernelChoice.Own, false)]
    [InlineData("olmo2", null, KernelChoice.Own, true)]
    [InlineData("llama_base", Precision.Fp32, KernelChoice.OnnxRuntime, false)]
    public void Others_are_asked(string fixture, Precision? precision, KernelChoice kernels, bool headIsOwn)
    {
        using Loaded loaded = new(Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { Precision = precision, Kernels = kernels });
        Assert.NotEqual(RowRule.Free, loaded.Sessions.BlockRows);
        Assert.Equal(headIsOwn, loaded.Sessions.HeadRows == RowRule.Free);
        loaded.Sessions.ProbeRows(loaded.Model, loaded.Buffers);
        Assert.True(loaded.Sessions.BlockRows.IsAlike && loaded.Sessions.HeadRows.IsAlike);
    }

    // Before anybody has asked the stages.
    private sealed class Loaded : IDisposable
    {
        private readonly ModelFolder _folder;
        private readonly PreparedWeights _weights;

        public Loaded(string folder, ModelOptions options)
        {
            options.CacheFolder = TestFolders.WeightCache;
            _folder = ModelFolder.Open(folder, options);
            Model = ModelFamilies.Describe(_folder.Checkpoint);
            _weights = _folder.OpenWeights(Model, null, TestContext.Current.CancellationToken);
            RuntimeOptions runtime = new();
            Sessions = StageSessions.Create(Model, _weights, RuntimeEnvironment.Get(runtime, _ => { }), runtime, null, TestContext.Current.CancellationToken);
        }

        public DecoderDescription Model { get; }

        public CpuBufferAllocator Buffers { get; } = new();

        public StageSessions Sessions { get; }

        public void Dispose()
        {
            Sessions.Dispose();
            _weights.Dispose();
            _folder.Dispose();
        }
    }
}
