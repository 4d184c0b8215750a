using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SpecDecode.Sampling;

/// <summary>One sequence's way of choosing tokens: its options, its seed, and its random numbers.</summary>
internal sealed class Sampler
{
    private readonly ulong _seed;

    /// <summary>Makes a sampler.</summary>
    /// <param name="options">Checked options, of which it keeps a copy; without a seed a new one is drawn.</param>
    public Sampler(SamplingOptions options)
    {
        Options = options with { };
        Rule = options.EffectiveAcceptance;
        _seed = Rule == AcceptanceRule.Greedy ? 0 : (ulong?)options.Seed ?? NewSeed();
        Random = new RandomNumbers(_seed, (uint)options.ChoiceIndex);
    }

    /// <summary>Its options.</summary>
    public SamplingOptions Options { get; }

    /// <summary>How draft tokens are accepted.</summary>
    public AcceptanceRule Rule { get; }

    /// <summary>Numbers for rejection sampling.</summary>
    public RandomNumbers Random { get; }

    /// <summary>The noise at an output position.</summary>
    /// <param name="position">Number of the output token, from 0.</param>
    public GumbelNoise Noise(int position) => new(_seed, (uint)Options.ChoiceIndex, (uint)position);

    private static ulong NewSeed()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
