using SpecDecode.Sampling;

namespace SpecDecode.Tests.Sampling;

/// <summary>The numbers for drawing, place after place.</summary>
internal sealed class RandomStream(ulong seed, uint choice)
{
    private int _position;

    public double Next() => new RandomNumbers(seed, choice).At(_position++, RandomUse.Draw);
}
