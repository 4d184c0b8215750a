using System.Collections.Immutable;

namespace SpecDecode.Models.Descriptions;

/// <summary>
/// A rotary position embedding (RoFormer, 2104.09864) with its scaling already applied: channel pair i turns by
/// position · <see cref="InverseFrequencies"/>[i].
/// </summary>
internal sealed class RotaryDescription : IEquatable<RotaryDescription>
{
    private RotaryDescription(ImmutableArray<double> inverseFrequencies) => InverseFrequencies = inverseFrequencies;

    /// <summary>Angle per position of each channel pair; as long as half the rotated part of a head.</summary>
    public ImmutableArray<double> InverseFrequencies { get; }

    /// <summary>No scaling: θ^(−2i/dimensions).</summary>
    /// <param name="theta">The base θ.</param>
    /// <param name="dimensions">How many channels of a head are rotated; even.</param>
    public static RotaryDescription Default(double theta, int dimensions)
    {
        ImmutableArray<double>.Builder frequencies = ImmutableArray.CreateBuilder<double>(dimensions / 2);
        for (int i = 0; i < dimensions / 2; i++)
        {
            frequencies.Add(1.0 / Math.Pow(theta, 2.0 * i / dimensions));
        }

        return new RotaryDescription(frequencies.MoveToImmutable());
    }

    /// <summary>Linear scaling: every position is divided by <paramref name="factor"/>.</summary>
    public RotaryDescription ScaledLinearly(double factor) => new([.. InverseFrequencies.Select(f => f / factor)]);

    /// <summary>
    /// Llama 3.1 scaling: frequencies that turn fewer than <paramref name="lowTurns"/> times within the original context
    /// are divided by <paramref name="factor"/>, those above <paramref name="highTurns"/> are kept, those between are blended.
    /// </summary>
    public RotaryDescription ScaledByBands(double factor, double lowTurns, double highTurns, double originalContext) => new(
    [
        .. InverseFrequencies.Select(f =>
        {
            double turns = originalContext * f / (2.0 * Math.PI);
            double kept = Math.Clamp((turns - lowTurns) / (highTurns - lowTurns), 0.0, 1.0);
            return f * (kept + (1.0 - kept) / factor);
        }),
    ]);

    /// <inheritdoc/>
    public bool Equals(RotaryDescription? other) =>
        other is not null && InverseFrequencies.AsSpan().SequenceEqual(other.InverseFrequencies.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RotaryDescription);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (double frequency in InverseFrequencies)
        {
            hash.Add(frequency);
        }

        return hash.ToHashCode();
    }
}
