using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>A product of a case with numbers in it. All memory that it reads lies between poison, and so does what it leaves between runs.</summary>
internal sealed unsafe class ProductSetup : IDisposable
{
    private const float Epsilon = 1e-5f;

    private readonly ProductCase _case;
    private readonly KernelScratch _scratch = new();
    private readonly NativeBuffer<float> _normWeight;
    private readonly NativeBuffer<float> _normBias;
    private readonly NativeBuffer<float> _bias;
    private readonly ProductParts _parts;
    private readonly InstructionSet _set;

    /// <summary>Makes it with any numbers.</summary>
    public ProductSetup(ProductCase products, InstructionSet set, int seed)
        : this(products, set, KernelMatrix.Random(products.Format, products.Inputs, products.Outputs * (products.IsGated ? 2 : 1), new Random(seed)), new Random(seed + 1))
    {
    }

    /// <summary>Makes it with a matrix, which it disposes.</summary>
    public ProductSetup(ProductCase products, InstructionSet set, KernelMatrix matrix, Random random)
    {
        _case = products;
        Matrix = matrix;
        Rows = Numbers(products.Rows * products.Inputs, random);
        _normWeight = new NativeBuffer<float>(Numbers(products.Inputs, random));
        _normBias = new NativeBuffer<float>(Numbers(products.Inputs, random));

        // As wide as the panels; what belongs to no output is poison.
        _bias = new NativeBuffer<float>((int)PanelLayout.Panels(matrix.Rows.Length) * PanelLayout.Outputs);
        Numbers(matrix.Rows.Length, random).CopyTo(_bias.Span);
        Residuals = Numbers(products.Rows * products.Outputs, random);
        ProductParts parts = new()
        {
            IsNormed = products.Norm is not null,
            Bias = products.HasBias ? _bias.Start : null,
            IsGated = products.IsGated,
            IsActivated = products.Activation is not null,
            Activation = products.Activation ?? default,
        };
        if (products.Norm is { } kind)
        {
            parts.Norm = new RowNorm { Kind = kind, Epsilon = Epsilon, Weight = _normWeight.Start, Bias = kind == NormKind.Layer ? _normBias.Start : null };
        }

        _parts = parts;
        _set = set;
    }

    public KernelMatrix Matrix { get; }

    /// <summary>The norm, if there is one.</summary>
    public RowNorm Norm => _parts.Norm;

    /// <summary>Rows, <c>[rows, inputs]</c>.</summary>
    public float[] Rows { get; }

    /// <summary>What is added to their results, <c>[rows, outputs]</c>.</summary>
    public float[] Residuals { get; }

    public ReadOnlySpan<float> NormWeight => _normWeight.Span;

    public ReadOnlySpan<float> NormBias => _normBias.Span;

    public ReadOnlySpan<float> Bias => _bias.Span;

    public ReadOnlySpan<float> Row(int row) => Rows.AsSpan(row * _case.Inputs, _case.Inputs);

    /// <summary>The results of all rows.</summary>
    public float[] Run(ParallelRun parallel, InstructionSet? set = null) => Run([.. Enumerable.Range(0, _case.Rows)], parallel, set);

    /// <summary>The results of some rows, in this order.</summary>
    public float[] Run(int[] rows, ParallelRun parallel, InstructionSet? set = null)
    {
        Product product = new(Matrix.Panels, _case.Format, _case.Inputs, Matrix.Rows.Length, _parts, _case.Activations, set ?? _set, _scratch);
        (int inputs, int outputs) = (_case.Inputs, _case.Outputs);
        using NativeBuffer<float> input = new(rows.Length * inputs);
        using NativeBuffer<float> output = new(rows.Length * outputs);
        using NativeBuffer<float> apart = new(rows.Length * outputs);
        for (int i = 0; i < rows.Length; i++)
        {
            Row(rows[i]).CopyTo(input.Span.Slice(i * inputs, inputs));
            if (_case.Residual != ResidualPlace.None)
            {
                Span<float> residual = _case.Residual == ResidualPlace.Apart ? apart.Span : output.Span;
                Residuals.AsSpan(rows[i] * outputs, outputs).CopyTo(residual.Slice(i * outputs, outputs));
            }
        }

        float[] before = input.Span.ToArray();
        Poison(rows.Length);
        product.Run(
            input.Start, rows.Length, _case.Residual switch { ResidualPlace.None => null, ResidualPlace.Apart => apart.Start, _ => output.Start },
            output.Start, parallel);
        Assert.True(before.AsSpan().SequenceEqual(input.Span) || before.Any(float.IsNaN), "The rows were changed.");
        foreach (NativeBuffer<float> buffer in (NativeBuffer<float>[])[input, output, apart, _normWeight, _normBias, _bias])
        {
            buffer.Check();
        }

        Matrix.Check();
        return output.Span.ToArray();
    }

    public void Dispose()
    {
        Matrix.Dispose();
        _normWeight.Dispose();
        _normBias.Dispose();
        _bias.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Numbers as rows have them, a few of them far larger than the rest.</summary>
    public static float[] Numbers(int count, Random random)
    {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            numbers[i] = (random.NextSingle() * 2 - 1) * (random.Next(40) == 0 ? 20 : 1);
        }

        return numbers;
    }

    // What rows in between lie in, so that nothing that was there before can be of use.
    private void Poison(int rows)
    {
        nuint bytes = (nuint)rows * (nuint)(_case.Inputs + 256) * 8 + 1024;
        new Span<byte>(_scratch.Take(bytes), (int)bytes).Fill(0xFF);
        _scratch.Return();
    }
}
