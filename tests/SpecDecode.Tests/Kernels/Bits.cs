namespace SpecDecode.Tests.Kernels;

/// <summary>Comparing floats by their bits, so that a NaN is itself and the two zeros are not the same.</summary>
internal static class Bits
{
    /// <summary>Fails at the first difference.</summary>
    public static void AssertSame(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
            {
                Assert.Fail(FormattableString.Invariant($"{what}: number {i} is {actual[i]:g9}, expected {expected[i]:g9}"));
            }
        }
    }
}
