namespace SpecDecode.Tests.Kernels;

/// <summary>What a product's results are by the formula f(norm(x) Wᵀ + b) + residual, in double precision with bounds.</summary>
internal sealed class ReferenceProduct(ProductCase products, ProductSetup setup)
{
    private const float Epsilon = 1e-5f;

    /// <summary>Multiplications of the formula for one row.</summary>
    public static long RowWork(ProductCase products) => (long)products.Inputs * products.Outputs * (products.IsGated ? 2 : 1);

    /// <summary>The results of a row.</summary>
    public Bounded[] Row(int row)
    {
        Func<MatrixRow, Bounded> sum = Sums(row);
        Bounded[] results = new Bounded[products.Outputs];
        for (int i = 0; i < results.Length; i++)
        {
            Bounded x = WithBias(sum, i);
            x = products.Activation is { } activation ? ReferenceParts.Activate(x, activation) : x;
            x = products.IsGated ? x * WithBias(sum, products.Outputs + i) : x;
            results[i] = products.Residual == ResidualPlace.None ? x : x + setup.Residuals[row * products.Outputs + i];
        }

        return results;
    }

    private Bounded WithBias(Func<MatrixRow, Bounded> sum, int output)
    {
        Bounded x = sum(setup.Matrix.Rows[output]);
        return products.HasBias ? x + setup.Bias[output] : x;
    }

    private Func<MatrixRow, Bounded> Sums(int row)
    {
        int blockSize = products.Format.BlockSize;
        if (products.TakesBytes)
        {
            // A last bit of a norm may move a number to the next byte, so here the norm is what RowNorm gives; it has tests of its own.
            QuantisedRow bytes = new(products.Norm is null ? setup.Row(row) : Normalised(row), blockSize);
            return weights => ReferenceSums.Bytes(weights, blockSize, bytes);
        }

        Bounded[] numbers = products.Norm is { } kind
            ? ReferenceParts.Norm(kind, Epsilon, setup.Row(row), setup.NormWeight, setup.NormBias)
            : [.. setup.Row(row).ToArray().Select(x => (Bounded)x)];
        return products.Format.IsQuantized
            ? weights => ReferenceSums.Wide(weights, blockSize, numbers)
            : weights => ReferenceSums.Floats(weights, numbers);
    }

    private unsafe float[] Normalised(int row)
    {
        using NativeBuffer<float> from = new(setup.Row(row));
        using NativeBuffer<float> to = new(products.Inputs);
        setup.Norm.Apply(from.Start, products.Inputs, to.Start);
        return to.Span.ToArray();
    }
}
