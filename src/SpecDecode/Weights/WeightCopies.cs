namespace SpecDecode.Weights;

/// <summary>The weights that a model verifies with, and a copy in lower precision that it drafts with.</summary>
/// <param name="Verifier">The model's own.</param>
/// <param name="Drafter">The copy; null where it drafts with its own.</param>
internal sealed record WeightCopies(PreparedWeights Verifier, PreparedWeights? Drafter) : IDisposable
{
    /// <summary>Bytes of both.</summary>
    public long TensorBytes => Verifier.TensorBytes + (Drafter?.TensorBytes ?? 0);

    /// <summary>Why both do not fit into memory; null when they do, or there is only one.</summary>
    /// <param name="availableBytes">What the process may use.</param>
    public OptionException? FindError(long availableBytes)
    {
        static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
        return Drafter is not null && Drafter.TensorBytes > availableBytes - Verifier.TensorBytes
            ? new OptionException($"The copy of the weights for drafting takes {Megabytes(Drafter.TensorBytes)} MB besides the model's own {Megabytes(Verifier.TensorBytes)} MB, but the process may use {Megabytes(availableBytes)} MB in all: leave {OptionName.OfModel(nameof(ModelOptions.DraftPrecision))} unset, choose lower precisions, or allow more memory.")
            : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Verifier.Dispose();
        Drafter?.Dispose();
    }
}
