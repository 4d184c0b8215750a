using SpecDecode.Descriptions;

namespace SpecDecode.Tests.Kernels;

/// <summary>Where what is added to a result lies.</summary>
internal enum ResidualPlace
{
    /// <summary>Nothing is added.</summary>
    None,

    /// <summary>In memory of its own.</summary>
    Apart,

    /// <summary>Where the result goes.</summary>
    Output,
}

/// <summary>A product to test.</summary>
internal sealed record ProductCase
{
    public TensorFormat Format { get; init; } = TensorFormat.Float32 with { Layout = TensorLayout.Panels };

    public ActivationPrecision Activations { get; init; }

    /// <summary>Width of a row.</summary>
    public int Inputs { get; init; } = 64;

    /// <summary>Width of the result; where there is a gate, the matrix has twice as many outputs.</summary>
    public int Outputs { get; init; } = 64;

    public int Rows { get; init; } = 1;

    public bool HasBias { get; init; }

    public NormKind? Norm { get; init; }

    public Activation? Activation { get; init; }

    public bool IsGated { get; init; }

    public ResidualPlace Residual { get; init; }

    /// <summary>Whether rows are rounded to bytes.</summary>
    public bool TakesBytes => Format.IsQuantized && Activations == ActivationPrecision.Int8;

    /// <summary>A format in panels.</summary>
    public static TensorFormat Panels(Precision precision, int blockSize = 0) => new(precision, blockSize, TensorLayout.Panels);
}
