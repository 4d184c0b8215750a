using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tests.Kernels;
using SpecDecode.Tests.Weights;
using SpecDecode.Weights;

namespace SpecDecode.Tests.OnnxRuntime;

/// <summary>Rows of the embedding in every precision: of a table that is also the head out of the head's panels, of one of its own out of the file.</summary>
public sealed class PanelEmbeddingTests
{
    // Tied: 96 wide, three blocks of 32, and one and a half of 64.
    [Theory]
    [InlineData("llama_tied_bias_f32", true, Precision.Fp32, null)]
    [InlineData("llama_tied_bias_f32", true, Precision.Bf16, null)]
    [InlineData("llama_tied_bias_f32", true, Precision.Fp16, null)]
    [InlineData("llama_tied_bias_f32", true, Precision.Int8, 32)]
    [InlineData("llama_tied_bias_f32", true, Precision.Int8, 64)]
    [InlineData("llama_tied_bias_f32", true, Precision.Int4, 16)]
    [InlineData("llama_tied_bias_f32", true, Precision.Int4, 64)]
    [InlineData("llama_tied_bias_f32", true, Precision.Int4, 256)]
    [InlineData("llama_base", false, Precision.Stored, null)]
    [InlineData("llama_base", false, Precision.Fp16, null)]
    [InlineData("llama_hd8_linear_f16", false, Precision.Stored, null)]
    [InlineData("llama_hd8_linear_f16", false, Precision.Fp32, null)]
    public void A_row_is_the_checkpoints_as_its_precision_holds_it_times_the_models_factor(string fixture, bool isTied, Precision precision, int? blockSize)
    {
        foreach (WeightMemory memory in Enum.GetValues<WeightMemory>())
        {
            using ModelFolder folder = ModelFolder.Open(
                Path.Combine(TestFolders.Fixtures, fixture),
                new ModelOptions { Precision = precision, HeadPrecision = precision, BlockSize = blockSize, Kernels = KernelChoice.Own, WeightMemory = memory, CacheFolder = TestFolders.WeightCache });
            DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint) with { EmbeddingScale = 3.25f };
            using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
            TensorFormat format = weights[model.Embedding].Format;
            Assert.Equal(isTied ? TensorLayout.Panels : TensorLayout.Rows, format.Layout);
            int[] tokens = [.. Enumerable.Range(0, model.VocabularySize).Reverse(), 0, 0];
            float[] rows = new float[tokens.Length * model.HiddenSize];
            new EmbeddingTable(model, weights).Read(tokens, rows);

            float[] source = new float[model.HiddenSize];
            for (int i = 0; i < tokens.Length; i++)
            {
                folder.Checkpoint.ReadFloats(folder.Checkpoint.Tensors["model.embed_tokens.weight"], tokens[i] * (long)source.Length, source);
                float[] expected = format.IsQuantized ? PreparedPanels.Rounded(format, source) : [.. source.Select(number => PreparedPanels.Rounded(format.Precision, number))];
                Bits.AssertSame([.. expected.Select(number => number * 3.25f)], rows.AsSpan(i * source.Length, source.Length), $"{fixture}, {format}, token {tokens[i]}");
            }
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    [InlineData(int.MaxValue)]
    public void A_token_that_the_panels_lack_is_refused(int token)
    {
        using ModelFolder folder = ModelFolder.Open(
            Path.Combine(TestFolders.Fixtures, "llama_tied_bias_f32"), new ModelOptions { Kernels = KernelChoice.Own, CacheFolder = TestFolders.WeightCache });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingTable(model, weights).Read([token], new float[96]));
    }
}
