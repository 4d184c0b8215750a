using System.Runtime.InteropServices;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Evaluation;
using SpecDecode.Generation;
using SpecDecode.Plans;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Reference;

/// <summary>
/// Quantised fixtures stay near the float32 reference: with random weights nothing averages out, so what is compared is how
/// far the logits move against how far they spread.
/// </summary>
public sealed class PrecisionFixtureTests
{
    private static IEnumerable<string> Fixtures => Directory.GetDirectories(TestFolders.Fixtures).Select(folder => Path.GetFileName(folder)).Order();

    public static TheoryData<string, Precision, Precision, int> OtherFamilies
    {
        get
        {
            TheoryData<string, Precision, Precision, int> cases = [];
            // Those whose heads need no padding: else blocks along the output projection's rows begin elsewhere than in the checkpoint.
            foreach (string folder in (string[])["mistral", "qwen2", "qwen3", "phi3", "gemma2", "smollm3", "olmo2", "gpt_neox"])
            {
                cases.Add(folder, Precision.Int8, Precision.Int8, 32);
                cases.Add(folder, Precision.Int4, Precision.Int8, 32);
            }

            return cases;
        }
    }

    public static TheoryData<string, Precision, double> Cases
    {
        get
        {
            TheoryData<string, Precision, double> cases = [];
            foreach (string folder in Fixtures.Where(folder => folder.StartsWith("llama", StringComparison.Ordinal)))
            {
                cases.Add(folder, Precision.Int8, 0.1);
                cases.Add(folder, Precision.Int4, 0.7);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_of_the_whole_model_and_of_early_exits_stay_near_the_reference(string fixture, Precision precision, double share)
    {
        using FixtureCheckpoint checkpoint = new(fixture);
        foreach (ActivationPrecision activations in Enum.GetValues<ActivationPrecision>())
        {
            using TextModel model = Load(checkpoint, new ModelOptions { Precision = precision, Activations = activations });
            int[] tokens = checkpoint.ExpectedInts("tokens");
            AssertNear(checkpoint.Expected, model.Evaluate(tokens, cancellationToken: TestContext.Current.CancellationToken), share, "full");
            foreach (JsonProperty exit in checkpoint.Expected.GetProperty("exit_layer").EnumerateObject())
            {
                LayerPlan plan = LayerPlan.EarlyExit(model.LayerCount, int.Parse(exit.Name, System.Globalization.CultureInfo.InvariantCulture));
                AssertNear(exit.Value, model.Evaluate(tokens, plan, TestContext.Current.CancellationToken), share, exit.Name);
            }
        }
    }

    [Theory]
    [InlineData("llama_base", Precision.Int8, Precision.Int8, 32)]
    [InlineData("llama_base", Precision.Int4, Precision.Int8, 32)]
    [InlineData("llama_base", Precision.Int4, Precision.Fp32, 16)]
    [InlineData("llama_base", Precision.Int4, Precision.Int4, 128)]
    [InlineData("llama_base", Precision.Fp32, Precision.Int4, 64)]
    [InlineData("llama_tied_bias_f32", Precision.Int8, Precision.Int8, 32)]
    [InlineData("llama_tied_bias_f32", Precision.Int8, Precision.Int8, 64)]
    [InlineData("llama_tied_bias_f32", Precision.Int4, Precision.Int4, 32)]
    [InlineData("llama_tied_bias_f32", Precision.Int4, Precision.Int4, 256)]
    [InlineData("llama_tied_bias_f32", Precision.Int4, Precision.Fp32, 128)]
    [MemberData(nameof(OtherFamilies))]
    public void Quantised_weights_compute_what_the_same_weights_written_out_in_float32_do(
        string fixture, Precision precision, Precision head, int blockSize)
    {
        // Widths are 64, 96 and 160: blocks fit, are ragged, and are wider than the matrix.
        using FixtureCheckpoint checkpoint = new(fixture);
        int[] tokens = checkpoint.ExpectedInts("tokens");
        using TextModel quantised = Load(checkpoint, new ModelOptions
        {
            Precision = precision, HeadPrecision = head, BlockSize = blockSize, Activations = ActivationPrecision.Fp32,
        });
        IReadOnlyList<float> found = quantised.Evaluate(tokens, cancellationToken: TestContext.Current.CancellationToken).LastLogits;

        using FixtureCheckpoint writtenOut = new(fixture);
        List<string> names = [];
        writtenOut.Tensors(tensor =>
        {
            names.Add(tensor.Name);
            return tensor;
        });
        string headName = names.FirstOrDefault(name => name is "lm_head.weight" or "embed_out.weight") ?? "model.embed_tokens.weight";
        writtenOut.Tensors(tensor => tensor.Shape.Length != 2 ? tensor : Rounded(tensor, tensor.Name == headName ? head : precision, blockSize));
        using TextModel exact = Load(writtenOut, new ModelOptions());
        IReadOnlyList<float> expected = exact.Evaluate(tokens, cancellationToken: TestContext.Current.CancellationToken).LastLogits;

        Assert.InRange(expected.Zip(found, (a, b) => Math.Abs(a - b)).Max(), 0, 5e-4);
    }

    // The tensor in float32, each weight what it is after rounding, worked out from the stored form.
    private static FixtureCheckpoint.StoredTensor Rounded(FixtureCheckpoint.StoredTensor tensor, Precision precision, int blockSize)
    {
        (int rows, int columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        float[] weights = new float[rows * columns];
        FloatWidening.Widen(TensorDType.Type(tensor.Type), tensor.Bytes, weights);
        TensorFormat format = precision == Precision.Fp32 ? TensorFormat.Float32 : new TensorFormat(precision, blockSize);
        byte[] values = new byte[format.ValueBytes(columns)];
        float[] scales = new float[format.IsQuantized ? format.Blocks(columns) : 0];
        byte[] zeroPoints = new byte[format.ZeroPointBytes(columns)];
        for (int row = 0; row < rows && format.IsQuantized; row++)
        {
            Span<float> one = weights.AsSpan(row * columns, columns);
            Assert.Equal(-1, BlockQuantizer.Quantize(one, format, values, scales, zeroPoints));
            for (int column = 0; column < columns; column++)
            {
                int block = column / blockSize;
                int value = format.Bits == 8 ? values[column] : (values[column / 2] >> (column % 2 * 4)) & 15;
                int zero = format.Bits == 8 ? 128 : (zeroPoints[block / 2] >> (block % 2 * 4)) & 15;
                one[column] = (value - zero) * scales[block];
            }
        }

        return tensor with { Type = "F32", Bytes = MemoryMarshal.AsBytes<float>(weights).ToArray() };
    }

    private static TextModel Load(FixtureCheckpoint checkpoint, ModelOptions options)
    {
        options.CacheFolder = checkpoint.Cache;
        return PlainModel.Load(checkpoint.Folder, options, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static void AssertNear(JsonElement expected, LogitsResult found, double share, string what)
    {
        double[] wanted = [.. expected.GetProperty("logits_last").EnumerateArray().Select(logit => logit.GetDouble())];
        double mean = wanted.Average();
        double spread = Math.Sqrt(wanted.Average(logit => Math.Pow(logit - mean, 2)));
        double moved = Math.Sqrt(wanted.Zip(found.LastLogits, (a, b) => Math.Pow(a - b, 2)).Average());
        Assert.True(moved <= share * spread, $"{what}: moved by {moved / spread:f4} of the spread");
        Assert.True(moved > 0, $"{what}: nothing was rounded");
    }
}
