using System.Globalization;

namespace SpecDecode.Tests;

/// <summary>How many random cases a test takes: few by default, all with <c>SPECDECODE_TEST_LONG=1</c>.</summary>
internal static class TestScale
{
    /// <summary>Whether long runs are wanted.</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("SPECDECODE_TEST_LONG") is "1";

    /// <summary>For how many minutes the chat server is asked by those who treat it roughly: <c>SPECDECODE_TEST_LOAD_MINUTES</c>; 0 where nothing is said.</summary>
    public static int LoadMinutes { get; } = int.TryParse(Environment.GetEnvironmentVariable("SPECDECODE_TEST_LOAD_MINUTES"), CultureInfo.InvariantCulture, out int minutes) ? minutes : 0;

    /// <summary>A number of cases.</summary>
    public static int Cases(int few, int all) => IsLong ? all : few;
}
