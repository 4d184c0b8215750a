using System.Collections.Immutable;

namespace SpecDecode.Descriptions;

/// <summary>
/// A rotary position embedding (RoFormer, 2104.09864) with its scaling already applied: channel pair i turns by
/// position · <see cref="InverseFrequencies"/>[i], and cosines and sines are multiplied by <see cref="AttentionFactor"/>.
/// </summary>
internal sealed class RotaryDescription : IEquatable<RotaryDescription>
{
    private RotaryDescription(ImmutableArray<double> inverseFrequencies, double attentionFactor = 1.0)
    {
        InverseFrequencies = inverseFrequencies;
        AttentionFactor = attentionFactor;
    }

    /// <summary>Angle per position of each channel pair; as long as half the rotated part of a head.</summary>
    public ImmutableArray<double> InverseFrequencies { get; }

    /// <summary>Factor on cosines and sines, and so on the rotated part of queries and keys.</summary>
    public double AttentionFactor { get; }

    /// <summary>The embedding of sequences that may grow beyond <see cref="OriginalContext"/>; null where this is that of all.</summary>
    public RotaryDescription? Long { get; private init; }

    /// <summary>Longest sequence that is embedded by this and not by <see cref="Long"/>.</summary>
    public int OriginalContext { get; private init; }

    /// <summary>No scaling: θ^(−2i/dimensions).</summary>
    /// <param name="theta">The base θ.</param>
    /// <param name="dimensions">How many channels of a head are rotated; where that is odd, one more turns along.</param>
    public static RotaryDescription Default(double theta, int dimensions)
    {
        int pairs = (dimensions + 1) / 2;
        ImmutableArray<double>.Builder frequencies = ImmutableArray.CreateBuilder<double>(pairs);
        for (int i = 0; i < pairs; i++)
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

    /// <summary>
    /// YaRN (2309.00071): channel pairs before <paramref name="firstBlended"/> keep their frequency, those from
    /// <paramref name="lastBlended"/> on have it divided by <paramref name="factor"/>, those between are blended.
    /// </summary>
    public RotaryDescription ScaledByRamp(double factor, double firstBlended, double lastBlended, double attentionFactor) => new(
    [
        .. InverseFrequencies.Select((f, i) =>
        {
            double scaled = Math.Clamp((i - firstBlended) / (lastBlended - firstBlended), 0.0, 1.0);
            return f * (1.0 - scaled + scaled / factor);
        }),
    ], attentionFactor);

    /// <summary>
    /// LongRoPE (2402.13753): every channel pair has a divisor of its own, one for sequences within the original context and
    /// another for longer ones.
    /// </summary>
    public RotaryDescription ScaledByPair(
        IReadOnlyList<double> shortDivisors, IReadOnlyList<double> longDivisors, double attentionFactor, int originalContext) =>
        new(Divided(shortDivisors), attentionFactor)
        {
            Long = new RotaryDescription(Divided(longDivisors), attentionFactor),
            OriginalContext = originalContext,
        };

    /// <summary>The embedding of a sequence.</summary>
    /// <param name="longest">The longest that it may get, prompt and new tokens together.</param>
    public RotaryDescription For(int longest) => Long is not null && longest > OriginalContext ? Long : this;

    /// <inheritdoc/>
    public bool Equals(RotaryDescription? other) =>
        other is not null && AttentionFactor.Equals(other.AttentionFactor) && OriginalContext == other.OriginalContext
        && InverseFrequencies.AsSpan().SequenceEqual(other.InverseFrequencies.AsSpan()) && Equals(Long, other.Long);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RotaryDescription);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(AttentionFactor);
        foreach (double frequency in InverseFrequencies)
        {
            hash.Add(frequency);
        }

        return hash.ToHashCode();
    }

    private ImmutableArray<double> Divided(IReadOnlyList<double> divisors) => [.. InverseFrequencies.Select((f, i) => f / divisors[i])];
}
