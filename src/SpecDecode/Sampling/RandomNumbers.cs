using System.Runtime.Intrinsics;

namespace SpecDecode.Sampling;

/// <summary>
/// Uniform numbers by the place that they are for, so that none depends on how many were drawn before: however long drafts are, a seed
/// has the same numbers at a place of its text.
/// </summary>
/// <remarks>
/// A draft token that was never judged leaves its number to the next one that is drawn for its place. That changes no distribution: what
/// became output until there does not depend on that number.
/// </remarks>
internal readonly struct RandomNumbers(ulong seed, uint choice)
{
    // Apart from the noise of the same seed, which has 0 and 2 here.
    private const uint Purpose = 1;

    private const int UseBits = 2;

    /// <summary>A number in [0, 1), a multiple of 2^−53.</summary>
    /// <param name="position">Number of the output token, from 0.</param>
    /// <param name="use">What for.</param>
    /// <param name="attempt">How often drafts have failed before, so that a place which was seen to fail is drawn anew.</param>
    public double At(int position, RandomUse use, int attempt = 0)
    {
        Vector128<uint> counter = Vector128.Create((uint)position, (uint)use | ((uint)attempt << UseBits), choice, Purpose);
        Vector128<uint> block = Philox.Block(seed, counter);
        return ((block[0] | ((ulong)block[1] << 32)) >> 11) * (1.0 / (1UL << 53));
    }
}
