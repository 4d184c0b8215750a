using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>The products of one copy of a model's weights. Graphs find them as long as the set lives; so it outlives the sessions.</summary>
/// <param name="weights">The weights; they must stay open as long as the products are used.</param>
/// <param name="instructions">What kernels may use.</param>
internal sealed class ProductSet(PreparedWeights weights, InstructionSet instructions) : IDisposable
{
    private readonly List<long> _numbers = [];

    /// <summary>Memory that its products use while they run, one after the other.</summary>
    public KernelScratch Scratch { get; } = new();

    /// <summary>Whether the result of this activation, gated or not, can be computed by the product that it follows.</summary>
    /// <param name="linear">The product.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="isGated">Whether the first half of the outputs is the gate of the second.</param>
    public static bool CanActivate(LinearDescription linear, Activation activation, bool isGated) =>
        RowActivation.Has(activation) && (!isGated || linear.Outputs % (2 * PanelLayout.Outputs) == 0);

    /// <summary>Adds a product.</summary>
    /// <param name="linear">Weight and bias; the weight lies in panels.</param>
    /// <param name="norm">Norm of the rows before; null for none.</param>
    /// <param name="activation">What follows; null for nothing.</param>
    /// <param name="isGated">Whether the first half of the outputs is the gate of the second.</param>
    /// <returns>Its number in the <see cref="KernelTable{TKernel}"/>.</returns>
    public unsafe long Add(LinearDescription linear, NormDescription? norm, Activation? activation, bool isGated) =>
        Add(
            linear, weights.Address(weights[linear.Weight]), weights[linear.Weight].Format, linear.Bias is null ? null : (float*)weights.Address(weights[linear.Bias]), norm, activation,
            isGated);

    /// <summary>Adds a product with some of a matrix's outputs, which lie elsewhere.</summary>
    /// <param name="linear">The product, with as many outputs as there are there.</param>
    /// <param name="panels">Those outputs, in panels; valid as long as the set.</param>
    /// <param name="format">What they are stored as.</param>
    /// <param name="bias">Their bias; null for none.</param>
    /// <param name="norm">Norm of the rows before; null for none.</param>
    /// <returns>Its number in the <see cref="KernelTable{TKernel}"/>.</returns>
    public unsafe long AddCut(LinearDescription linear, byte* panels, TensorFormat format, float* bias, NormDescription? norm) =>
        Add(linear, panels, format, bias, norm, activation: null, isGated: false);

    /// <summary>A product with a matrix that is none of the model's weights. It is nobody's but the caller's, who enters it.</summary>
    /// <param name="panels">The matrix in panels of floats; valid as long as the product is used.</param>
    /// <param name="precision">Fp32, bf16 or fp16.</param>
    /// <param name="inputs">Width of a row.</param>
    /// <param name="outputs">Outputs.</param>
    public unsafe Product Apart(byte* panels, Precision precision, int inputs, int outputs) => new(
        panels, new TensorFormat(precision, 0, TensorLayout.Panels), inputs, outputs, default, weights.Activations, instructions, Scratch);

    /// <inheritdoc/>
    public void Dispose()
    {
        _numbers.ForEach(KernelTable<Product>.Remove);
        _numbers.Clear();
        Scratch.Dispose();
    }

    private unsafe long Add(LinearDescription linear, byte* panels, TensorFormat format, float* bias, NormDescription? norm, Activation? activation, bool isGated)
    {
        ProductParts parts = new()
        {
            Bias = bias,
            IsActivated = activation is not null,
            Activation = activation ?? default,
            IsGated = isGated,
            IsNormed = norm is not null,
        };
        if (norm is not null)
        {
            parts.Norm = new RowNorm
            {
                Kind = norm.Kind,
                Epsilon = norm.Epsilon,
                Weight = (float*)weights.Address(weights[norm.Weight]),
                Bias = norm.Bias is null ? null : (float*)weights.Address(weights[norm.Bias]),
            };
        }

        Product product = new(
            panels, format, linear.Inputs, linear.Outputs, parts, weights.Activations, instructions, Scratch);
        long number = KernelTable<Product>.Add(product);
        lock (_numbers)
        {
            _numbers.Add(number);
        }

        return number;
    }
}
