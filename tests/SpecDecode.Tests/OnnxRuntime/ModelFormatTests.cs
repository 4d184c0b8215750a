using Google.Protobuf;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Graphs;
using SpecDecode.OnnxRuntime.ModelFormat;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>What is written as ONNX models against Google's library, with classes that it generates for the same messages.</summary>
public sealed class ModelFormatTests
{
    public static TheoryData<string> Fixtures =>
        [.. Directory.EnumerateDirectories(TestFolders.Fixtures).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void The_graphs_of_all_stages_are_byte_for_byte_what_googles_library_writes(string fixture)
    {
        foreach ((Precision precision, KernelChoice kernels) in
            from precision in Enum.GetValues<Precision>()
            from kernels in Enum.GetValues<KernelChoice>()
            where kernels == KernelChoice.Own || precision is not (Precision.Bf16 or Precision.Fp16)
            select (precision, kernels))
        {
            using ModelFolder folder = ModelFolder.Open(
                Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { Precision = precision, Kernels = kernels, CacheFolder = TestFolders.WeightCache });
            DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
            using PreparedWeights weights = folder.OpenWeights(model, progress: null, TestContext.Current.CancellationToken);
            using ProductSet products = new(weights, InstructionSets.Current);
            StageGraphs graphs = new(model, weights, products);

            AssertIsWhatGooglesLibraryWrites(graphs.Head());
            foreach (LayerDescription layer in model.Layers)
            {
                AssertIsWhatGooglesLibraryWrites(graphs.AttentionIn(layer.Attention));
                AssertIsWhatGooglesLibraryWrites(graphs.Attend(layer.Attention.Attend, 7, 64, 8, layer.Attention.Attend.Rotary is null ? null : 128));
                AssertIsWhatGooglesLibraryWrites(graphs.AttentionOut(layer.Attention));
                AssertIsWhatGooglesLibraryWrites(graphs.Mlp(layer));
            }
        }
    }

    [Fact]
    public void The_probe_is_byte_for_byte_what_googles_library_writes() => AssertIsWhatGooglesLibraryWrites(ProbeGraph.Build());

    [Fact]
    public void A_model_of_any_content_is_byte_for_byte_what_googles_library_writes()
    {
        RandomModels models = new(1);
        for (int round = 0; round < 5000; round++)
        {
            (ModelProto ours, Generated.ModelProto expected) = models.Next();
            Assert.Equal(expected.ToByteArray(), ours.ToByteArray());
        }
    }

    [Fact]
    public void Writing_allocates_little_more_than_the_file()
    {
        RandomModels models = new(2);
        ModelProto model = models.WithContent(new byte[20_000_000]);
        model.ToByteArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        byte[] file = model.ToByteArray();

        // A few kilobytes of enumerators, more or fewer as the code is compiled; a second copy would be 20 MB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, file.Length, file.Length + 1_000_000);
    }

    // A field that the specification does not have would be lost on the way.
    private static void AssertIsWhatGooglesLibraryWrites(byte[] model)
    {
        Generated.ModelProto read = Generated.ModelProto.Parser.WithDiscardUnknownFields(true).ParseFrom(model);
        Assert.NotEmpty(read.Graph.Node);
        Assert.NotEmpty(read.Graph.Output);
        Assert.Equal(read.ToByteArray(), model);
    }
}
