using System.Runtime.InteropServices;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Tests.Kernels;
using SpecDecode.Tests.Tool;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>What the file of prepared weights holds in panels, against the checkpoint.</summary>
public sealed class PreparedPanelTests
{
    [Theory]
    [InlineData("llama_base", Precision.Bf16)]
    [InlineData("llama_hd24_mqa", Precision.Bf16)]
    [InlineData("llama_hd8_linear_f16", Precision.Fp16)]
    [InlineData("llama_tied_bias_f32", Precision.Fp32)]
    [InlineData("olmo2_bias_head_12", Precision.Fp16)]
    [InlineData("phi3_part_odd", Precision.Bf16)]
    [InlineData("gpt_neox_in_turn", Precision.Fp16)]
    public void Stored_weights_are_the_checkpoints_numbers_bit_for_bit(string fixture, Precision type)
    {
        using FixtureCheckpoint model = new(fixture);
        using Opened opened = new(model, new ModelOptions { Kernels = KernelChoice.Own });
        Assert.Equal((type, type), (opened.Folder.Settings.Precision, opened.Folder.Settings.Head));
        foreach (TensorRecipe recipe in opened.Recipes.Where(recipe => recipe.Columns > 0))
        {
            Assert.Equal(type, recipe.Format.Precision);
            opened.AssertIs(recipe, (row, found) => Bits.AssertSame(row, found, $"{fixture}, {recipe.Name}"));
        }
    }

    [Fact]
    public void The_head_of_the_story_model_which_is_written_in_several_pieces_is_the_checkpoints()
    {
        using TemporaryFolder cache = new();
        using ModelFolder folder = ModelFolder.Open(TestFolders.StoryModel, new ModelOptions { Kernels = KernelChoice.Own, CacheFolder = cache.Path });
        DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
        using PreparedWeights weights = folder.OpenWeights(model, null, TestContext.Current.CancellationToken);
        PreparedTensor head = weights[model.Head.Weight];
        Assert.Equal(ProductCase.Panels(Precision.Bf16), head.Format);
        float[] row = new float[256];
        for (int i = 0; i < 4096; i++)
        {
            folder.Checkpoint.ReadFloats(folder.Checkpoint.Tensors["model.embed_tokens.weight"], i * 256L, row);
            Bits.AssertSame(row, PreparedPanels.Row(weights, head, i), $"token {i}");
        }
    }

    [Theory]
    [InlineData("llama_tied_bias_f32", Precision.Bf16)]
    [InlineData("llama_tied_bias_f32", Precision.Fp16)]
    [InlineData("olmo2_mqa", Precision.Fp16)]
    [InlineData("llama_base", Precision.Fp16)]
    [InlineData("llama_hd8_linear_f16", Precision.Bf16)]
    [InlineData("llama_base", Precision.Fp32)]
    public void A_precision_by_name_rounds_to_the_nearest(string fixture, Precision precision)
    {
        using FixtureCheckpoint model = new(fixture);
        using Opened opened = new(model, new ModelOptions { Precision = precision, Kernels = KernelChoice.Own });
        foreach (TensorRecipe recipe in opened.Recipes.Where(recipe => recipe.Columns > 0))
        {
            opened.AssertIs(recipe, (row, found) => Bits.AssertSame(
                [.. row.Select(number => PreparedPanels.Rounded(precision, number))], found, $"{fixture}, {recipe.Name}"));
        }
    }

    [Theory]
    [InlineData(Precision.Int8, 16)]
    [InlineData(Precision.Int8, 32)]
    [InlineData(Precision.Int8, 256)]
    [InlineData(Precision.Int4, 16)]
    [InlineData(Precision.Int4, 32)]
    [InlineData(Precision.Int4, 128)]
    public void Quantised_weights_are_as_the_quantiser_gave_them_with_scales_in_bfloat16(Precision precision, int blockSize)
    {
        // 96 and 160 wide, and heads that are padded.
        using FixtureCheckpoint model = new("llama_hd24_mqa");
        using Opened opened = new(model, new ModelOptions { Precision = precision, HeadPrecision = precision, BlockSize = blockSize, Kernels = KernelChoice.Own });
        foreach (TensorRecipe recipe in opened.Recipes.Where(recipe => recipe.Format.Layout == TensorLayout.Panels))
        {
            Assert.Equal(ProductCase.Panels(precision, blockSize), recipe.Format);
            opened.AssertIs(recipe, (row, found) => Bits.AssertSame(PreparedPanels.Rounded(recipe.Format, row), found, recipe.Name));
        }
    }

    [Fact]
    public void No_weight_of_8_bits_is_a_0_byte_which_not_all_kernels_take()
    {
        Random random = new(1);
        foreach (int blockSize in (int[])[16, 32, 256])
        {
            TensorFormat format = ProductCase.Panels(Precision.Int8, blockSize);
            byte[] values = new byte[blockSize];
            float[] scales = new float[1];
            for (int exponent = -130; exponent < 128; exponent++)
            {
                // The lowest is as far away as the highest, or further.
                float[] row = [.. Enumerable.Range(0, blockSize).Select(_ => MathF.ScaleB(random.NextSingle(), exponent))];
                row[random.Next(blockSize)] = -MathF.ScaleB(1 + random.NextSingle() * 0.999f, exponent);
                Assert.Equal(-1, BlockQuantizer.Quantize(row, format, values, scales, []));
                Assert.DoesNotContain((byte)0, values);
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(33, 1)]
    [InlineData(1, 300_000)]
    [InlineData(40, 9001)]
    [InlineData(300_001, 1)]
    [InlineData(2081, 127)]
    public void Matrices_of_odd_shapes_are_written_whole(int rows, int columns)
    {
        float[] numbers = ProductSetup.Numbers(rows * columns, new Random(rows));
        foreach (TensorFormat format in (TensorFormat[])
            [ProductCase.Panels(Precision.Fp32), ProductCase.Panels(Precision.Bf16), ProductCase.Panels(Precision.Fp16), ProductCase.Panels(Precision.Int8, 32)])
        {
            using MadeCheckpoint made = new();
            made.Add("before", TensorFormat.Float32, 3, 0, [1, 2, 3]).Add("w", format, rows, columns, numbers).Add("after", TensorFormat.Float32, 2, 0, [4, 5]);
            using PreparedWeights weights = made.Prepare();
            Assert.Equal(format.PanelsBytes(rows, columns), weights["w"].TotalLength);
            int step = Math.Max(1, rows / 97);
            for (int row = 0; row < rows; row = row == rows - 1 ? rows : Math.Min(row + step, rows - 1))
            {
                ReadOnlySpan<float> source = numbers.AsSpan(row * columns, columns);
                float[] expected = format.IsQuantized ? PreparedPanels.Rounded(format, source) : [.. source.ToArray().Select(x => PreparedPanels.Rounded(format.Precision, x))];
                Bits.AssertSame(expected, PreparedPanels.Row(weights, weights["w"], row), $"{format}, row {row}");
            }

            float[] after = new float[2];
            weights.Read(weights["after"].Offset, MemoryMarshal.AsBytes(after.AsSpan()));
            Assert.Equal([4, 5], after);
        }
    }

    [Theory]
    [InlineData("model.layers.1.mlp.up_proj.weight", 65520f)]
    [InlineData("model.layers.1.mlp.up_proj.weight", -65520f)]
    [InlineData("model.layers.0.self_attn.q_proj.weight", 1e30f)]
    [InlineData("model.layers.2.mlp.down_proj.weight", float.PositiveInfinity)]
    [InlineData("model.embed_tokens.weight", float.NaN)]
    [InlineData("model.embed_tokens.weight", float.NegativeInfinity)]
    public void What_float16_does_not_hold_is_an_error_with_its_tensor(string tensor, float number)
    {
        using FixtureCheckpoint model = With("llama_tied_bias_f32", tensor, number);
        CheckpointException error = Assert.Throws<CheckpointException>(() => new Opened(model, new ModelOptions { Precision = Precision.Fp16, Kernels = KernelChoice.Own }).Dispose());
        Assert.Contains($"\"{tensor}\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 3, which is no finite number of 16 bits (fp16)", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(model.Cache, "*.weights").Concat(Directory.GetFiles(model.Cache, "*.tmp")));
        new Opened(model, new ModelOptions { Precision = Precision.Bf16, Kernels = KernelChoice.Own }).Dispose();
    }

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NaN)]
    public void Rows_of_an_embedding_apart_from_the_head_that_float16_does_not_hold_are_an_error_too(float number)
    {
        // Its embedding lies row by row, what is multiplied by in panels.
        using FixtureCheckpoint model = With("llama_base", "model.embed_tokens.weight", number);
        CheckpointException error = Assert.Throws<CheckpointException>(() => new Opened(model, new ModelOptions { Precision = Precision.Fp16, Kernels = KernelChoice.Own }).Dispose());
        Assert.Contains("\"model.embed_tokens.weight\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 3, which is no finite number of 16 bits (fp16)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65519.99f, 65504f)]
    [InlineData(-65519.99f, -65504f)]
    [InlineData(65504f, 65504f)]
    [InlineData(2.9e-8f, 0f)]
    [InlineData(3.1e-8f, 5.9604645e-8f)]
    public void What_rounds_to_a_finite_float16_is_that(float number, float expected)
    {
        // The head, which is the embedding too.
        using FixtureCheckpoint model = With("llama_tied_bias_f32", "model.embed_tokens.weight", number);
        using Opened opened = new(model, new ModelOptions { Precision = Precision.Fp16, Kernels = KernelChoice.Own });
        Assert.Equal(expected, PreparedPanels.Row(opened.Weights, opened.Weights[opened.Model.Head.Weight], 3)[5]);
    }

    [Fact]
    public void A_stored_float16_that_is_not_finite_is_an_error_and_none_in_float32()
    {
        using FixtureCheckpoint model = With("llama_hd8_linear_f16", "lm_head.weight", float.PositiveInfinity);
        Assert.Contains(
            "row 3, which is no finite number",
            Assert.Throws<CheckpointException>(() => new Opened(model, new ModelOptions { Kernels = KernelChoice.Own }).Dispose()).Message, StringComparison.Ordinal);
        using Opened opened = new(model, new ModelOptions { Precision = Precision.Fp32, Kernels = KernelChoice.Own });
        Assert.Equal(float.PositiveInfinity, PreparedPanels.Row(opened.Weights, opened.Weights[opened.Model.Head.Weight], 3)[5]);
    }

    [Theory]
    [InlineData("llama_base", "lm_head.weight")]
    [InlineData("llama_base", "model.embed_tokens.weight")]
    [InlineData("llama_tied_bias_f32", "model.layers.1.mlp.up_proj.weight")]
    public void Weights_that_are_not_finite_stay_so_in_bfloat16_and_float32(string fixture, string tensor)
    {
        foreach (float number in (float[])[float.NaN, float.NegativeInfinity])
        {
            using FixtureCheckpoint model = With(fixture, tensor, number);
            using Opened opened = new(model, new ModelOptions { Kernels = KernelChoice.Own });
            int found = 0;
            foreach (TensorRecipe recipe in opened.Recipes.Where(recipe => recipe.Parts.Any(part => part.Source == tensor)))
            {
                opened.AssertIs(recipe, (row, read) =>
                {
                    found += read.Count(x => x.Equals(number));
                    Bits.AssertSame(row, read, recipe.Name);
                });
            }

            Assert.Equal(1, found);
        }
    }

    // A copy in which the weight at row 3, column 5 is another.
    private static FixtureCheckpoint With(string fixture, string name, float number) => new FixtureCheckpoint(fixture).Replace(name, tensor =>
    {
        int at = 3 * (int)tensor.Shape[1] + 5;
        if (tensor.Type == "F32")
        {
            BitConverter.TryWriteBytes(tensor.Bytes.AsSpan(4 * at), number);
        }
        else
        {
            ushort bits = tensor.Type == "F16" ? BitConverter.HalfToUInt16Bits((Half)number) : (ushort)(BitConverter.SingleToUInt32Bits(number) >> 16);
            BitConverter.TryWriteBytes(tensor.Bytes.AsSpan(2 * at), bits);
        }

        return tensor;
    });

    /// <summary>A fixture's prepared weights beside the fixture.</summary>
    private sealed class Opened : IDisposable
    {
        public Opened(FixtureCheckpoint model, ModelOptions options)
        {
            options.CacheFolder = model.Cache;
            Folder = ModelFolder.Open(model.Folder, options);
            try
            {
                Model = ModelFamilies.Describe(Folder.Checkpoint);
                Weights = Folder.OpenWeights(Model, null, TestContext.Current.CancellationToken);
            }
            catch
            {
                Folder.Dispose();
                throw;
            }
        }

        public ModelFolder Folder { get; }

        public DecoderDescription Model { get; }

        public PreparedWeights Weights { get; }

        public IEnumerable<TensorRecipe> Recipes => Folder.Settings.Recipes(Model, Folder.Checkpoint.Tensors);

        /// <summary>Compares each row of a matrix with the checkpoint's.</summary>
        public void AssertIs(TensorRecipe recipe, Action<float[], float[]> compare)
        {
            TensorRows source = new(Folder.Checkpoint, recipe);
            PreparedTensor tensor = Weights[recipe.Name];
            float[] row = new float[recipe.Columns];
            for (int i = 0; i < recipe.Rows; i++)
            {
                source.Read(i, row);
                compare(row, recipe.Format.Layout == TensorLayout.Panels ? PreparedPanels.Row(Weights, tensor, i) : Plain(tensor, i));
            }
        }

        public void Dispose()
        {
            Weights.Dispose();
            Folder.Dispose();
        }

        // A row that lies by itself, in no blocks.
        private float[] Plain(PreparedTensor tensor, int row)
        {
            float[] found = new float[tensor.Shape[1]];
            byte[] bytes = new byte[tensor.Format.ValueBytes(found.Length)];
            Weights.Read(tensor.Offset + row * (long)bytes.Length, bytes);
            FloatWidening.Widen(
                tensor.Format.Precision switch { Precision.Bf16 => TensorElementType.BFloat16, Precision.Fp16 => TensorElementType.Float16, _ => TensorElementType.Float32 },
                bytes, found);
            return found;
        }
    }
}
