using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>
/// Uniform numbers one after the other, for draws that nobody else must repeat. A draw is never used twice, also when what
/// it decided is thrown away.
/// </summary>
internal sealed class RandomStream(ulong seed, uint choice)
{
    // Apart from the noise of the same seed, which has 0 and 2 here.
    private const uint Purpose = 1;

    private ulong _draws;

    /// <summary>The next number, in [0, 1), a multiple of 2^−53.</summary>
    public double Next()
    {
        ulong draw = _draws++;
        Vector128<uint> counter = Vector128.Create((uint)draw, (uint)(draw >> 32), choice, Purpose);
        Vector128<uint> block = Philox.Block(seed, counter);
        return ((block[0] | ((ulong)block[1] << 32)) >> 11) * (1.0 / (1UL << 53));
    }
}
