using System.Collections.Concurrent;
using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>
/// The products of one copy of a model's weights. Graphs name them by numbers, which are good in this process and as long as the set lives;
/// so it outlives the sessions.
/// </summary>
internal sealed class ProductSet : IDisposable
{
    private static readonly ConcurrentDictionary<long, ProductSet> Sets = new();
    private static long s_lastId;

    private readonly PreparedWeights _weights;
    private readonly InstructionSet _instructions;
    private readonly List<Product> _products = [];

    /// <summary>Makes an empty set.</summary>
    /// <param name="weights">The weights; they must stay open as long as the set is used.</param>
    /// <param name="instructions">What kernels may use.</param>
    public ProductSet(PreparedWeights weights, InstructionSet instructions)
    {
        _weights = weights;
        _instructions = instructions;
        Id = Interlocked.Increment(ref s_lastId);
        Sets.TryAdd(Id, this);
    }

    /// <summary>What graphs call it.</summary>
    public long Id { get; }

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
    /// <returns>Its number in the set.</returns>
    public unsafe long Add(LinearDescription linear, NormDescription? norm, Activation? activation, bool isGated)
    {
        PreparedTensor tensor = _weights[linear.Weight];
        ProductParts parts = new()
        {
            Bias = linear.Bias is null ? null : (float*)_weights.Address(_weights[linear.Bias]),
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
                Weight = (float*)_weights.Address(_weights[norm.Weight]),
                Bias = norm.Bias is null ? null : (float*)_weights.Address(_weights[norm.Bias]),
            };
        }

        Product product = new(
            _weights.Address(tensor), tensor.Format, linear.Inputs, linear.Outputs, parts, _weights.Activations, _instructions, Scratch);
        lock (_products)
        {
            _products.Add(product);
            return _products.Count - 1;
        }
    }

    /// <summary>A product by its numbers.</summary>
    /// <exception cref="SpecDecodeException">There is none.</exception>
    public static Product Find(long set, long index)
    {
        if (Sets.TryGetValue(set, out ProductSet? found))
        {
            lock (found._products)
            {
                if (index >= 0 && index < found._products.Count)
                {
                    return found._products[(int)index];
                }
            }
        }

        throw new SpecDecodeException($"There is no product {index} of a set {set} in this process.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Sets.TryRemove(Id, out _);
        Scratch.Dispose();
    }
}
