using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>The cache with quantised weights; what holds for every file stands in <see cref="WeightCacheTests"/>.</summary>
public sealed class PrecisionCacheTests : IDisposable
{
    private static readonly WeightSettings Int8 = new(Precision.Int8, Precision.Int8, 32);
    private static readonly WeightSettings Int4 = new(Precision.Int4, Precision.Int8, 32);

    private readonly FixtureCheckpoint _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Each_precision_block_size_and_head_precision_has_a_file_of_its_own()
    {
        WeightSettings[] settings =
            [WeightSettings.Float32, Int8, Int4, Int4 with { Head = Precision.Int4 }, Int4 with { Head = Precision.Fp32 }, Int4 with { BlockSize = 16 }];
        string[] paths = [.. settings.Select(Prepare)];

        Assert.Equal(settings.Length, paths.Distinct().Count());
        Assert.Equal(paths, settings.Select(Prepare));
        Assert.Equal(settings.Length, Directory.GetFiles(_model.Cache, "*.weights").Length);
    }

    [Fact]
    public void Fewer_bits_make_smaller_files()
    {
        long[] lengths = [.. ((WeightSettings[])[WeightSettings.Float32, Int8, Int4]).Select(settings => new FileInfo(Prepare(settings)).Length)];
        Assert.True(lengths[0] > 2 * lengths[1] && lengths[1] > lengths[2], string.Join(' ', lengths));
    }

    [Fact]
    public void Matrices_are_quantised_and_vectors_are_not()
    {
        using Checkpoint checkpoint = Checkpoint.Open(_model.Folder);
        using PreparedWeights weights = Open(checkpoint, Int4);

        Assert.Equal(new TensorFormat(Precision.Int4, 32, TensorLayout.Panels), weights["layers.0.attention.qkv.weight"].Format);
        Assert.Equal(new TensorFormat(Precision.Int4, 32), weights["embedding"].Format);
        Assert.Equal(new TensorFormat(Precision.Int8, 32, TensorLayout.Panels), weights["head.weight"].Format);
        Assert.Equal(TensorFormat.Float32, weights["final_norm"].Format);
    }

    [Fact]
    public void An_embedding_that_is_also_the_head_has_the_heads_precision()
    {
        using FixtureCheckpoint tied = new("llama_tied_bias_f32");
        using Checkpoint checkpoint = Checkpoint.Open(tied.Folder);
        using PreparedWeights weights = Open(checkpoint, Int4, tied.Cache);

        Assert.Equal(new TensorFormat(Precision.Int8, 32, TensorLayout.Panels), weights["embedding"].Format);
        Assert.Equal(TensorFormat.Float32, weights["layers.0.attention.qkv.bias"].Format);
    }

    [Theory]
    [InlineData(Precision.Int8)]
    [InlineData(Precision.Int4)]
    public void Stored_weights_are_those_of_the_checkpoint_up_to_rounding(Precision precision)
    {
        using Checkpoint checkpoint = Checkpoint.Open(_model.Folder);
        using PreparedWeights weights = Open(checkpoint, new WeightSettings(precision, precision, 32, TensorLayout.Rows));
        PreparedTensor tensor = weights["head.weight"];
        TensorEntry source = checkpoint.Tensors["lm_head.weight"];
        float[] expected = new float[source.Shape[0] * source.Shape[1]];
        checkpoint.ReadFloats(source, 0, expected);
        byte[] file = File.ReadAllBytes(weights.Path);
        ReadOnlySpan<float> scales = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(
            file.AsSpan((int)tensor.ScalesOffset, (int)tensor.ScalesLength));
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            // Rows are whole numbers of blocks here, and of pairs of blocks.
            int value = precision == Precision.Int8 ? file[tensor.Offset + i] : (file[tensor.Offset + i / 2] >> (i % 2 * 4)) & 15;
            int zero = precision == Precision.Int8 ? 128 : (file[tensor.ZeroPointsOffset + i / 64] >> (i / 32 % 2 * 4)) & 15;
            Assert.InRange(Math.Abs((value - zero) * scales[i / 32] - expected[i]), 0, largest / (precision == Precision.Int8 ? 200 : 4));
        }
    }

    [Theory]
    [InlineData(Precision.Int8, 0)]
    [InlineData(Precision.Int4, 1000)]
    [InlineData(Precision.Int4, -500)]
    public void A_flipped_byte_leads_to_the_same_file_written_again(Precision precision, int place)
    {
        WeightSettings settings = new(precision, Precision.Int8, 32);
        string path = Prepare(settings);
        byte[] sound = File.ReadAllBytes(path);
        byte[] damaged = [.. sound];
        damaged[place < 0 ? damaged.Length + place : place] ^= 4;
        File.WriteAllBytes(path, damaged);

        Assert.Equal(path, Prepare(settings));
        Assert.Equal(sound, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData(Precision.Int8, 0x7F80)]
    [InlineData(Precision.Int4, 0xFFC0)]
    public void A_weight_that_is_not_finite_is_refused_with_its_tensor_and_leaves_nothing(Precision precision, int bfloat16)
    {
        _model.Replace("model.layers.1.mlp.up_proj.weight", tensor =>
        {
            BitConverter.TryWriteBytes(tensor.Bytes.AsSpan(2 * 64 * 3), (ushort)bfloat16);
            return tensor;
        });

        CheckpointException error = Assert.Throws<CheckpointException>(() => Prepare(new WeightSettings(precision, Precision.Int8, 32)));
        Assert.Contains("\"model.layers.1.mlp.up_proj.weight\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 3", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(_model.Cache), file => file.EndsWith(".tmp", StringComparison.Ordinal) || file.EndsWith(".weights", StringComparison.Ordinal));
    }

    private string Prepare(WeightSettings settings)
    {
        using Checkpoint checkpoint = Checkpoint.Open(_model.Folder);
        using PreparedWeights weights = Open(checkpoint, settings);
        return weights.Path;
    }

    private PreparedWeights Open(Checkpoint checkpoint, WeightSettings settings, string? cache = null) => new WeightCache(cache ?? _model.Cache).Open(
        checkpoint, ModelFamilies.Describe(checkpoint), settings, null, TestContext.Current.CancellationToken);
}
