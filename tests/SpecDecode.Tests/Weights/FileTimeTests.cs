using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>Times of files are told apart to the nanosecond, also before 1970 and where no <see cref="DateTime"/> reaches.</summary>
public sealed class FileTimeTests
{
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 0, 100)]
    [InlineData(-1, -1, 999_999_900)]
    [InlineData(10_000_000, 1, 0)]
    [InlineData(-10_000_000, -1, 0)]
    [InlineData(-10_000_001, -2, 999_999_900)]
    [InlineData(long.MaxValue, 922_337_203_685, 477_580_700)]
    [InlineData(long.MinValue, -922_337_203_686, 522_419_200)]
    public void Ticks_become_seconds_and_what_is_left(long ticks, long seconds, uint nanoseconds) => Assert.Equal(new FileTime(seconds, nanoseconds), FileTime.OfTicks(ticks));

    [Fact]
    public void They_are_ordered_as_they_came()
    {
        FileTime[] times = [new(long.MinValue, 0), new(-2, 999_999_999), new(-1, 0), new(-1, 1), new(0, 0), new(0, 999_999_999), new(1, 0), new(long.MaxValue, 0)];
        for (int i = 0; i < times.Length; i++)
        {
            for (int j = 0; j < times.Length; j++)
            {
                Assert.Equal(Math.Sign(i - j), Math.Sign(times[i].CompareTo(times[j])));
            }
        }
    }

    [Theory]
    [InlineData(1_700_000_000, 5)]
    [InlineData(0, 0)]
    [InlineData(0, 70)]
    [InlineData(-1, 999_999_999)]
    [InlineData(-1, 0)]
    [InlineData(long.MaxValue, 999_999_999)]
    [InlineData(long.MinValue, 1)]
    public void They_are_written_as_one_number_of_nanoseconds(long seconds, uint nanoseconds) =>
        Assert.Equal(((Int128)seconds * 1_000_000_000 + nanoseconds).ToString(System.Globalization.CultureInfo.InvariantCulture), new FileTime(seconds, nanoseconds).ToString());
}
