namespace SpecDecode.Tests;

/// <summary>How many random cases a test takes: few by default, all with <c>SPECDECODE_TEST_LONG=1</c>.</summary>
internal static class TestScale
{
    /// <summary>Whether long runs are wanted.</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("SPECDECODE_TEST_LONG") is "1";

    /// <summary>A number of cases.</summary>
    public static int Cases(int few, int all) => IsLong ? all : few;
}
