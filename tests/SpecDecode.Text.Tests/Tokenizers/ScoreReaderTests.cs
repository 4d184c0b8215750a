using System.Globalization;
using System.Text;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class ScoreReaderTests
{
    [Theory]
    [InlineData("0", 0.0)]
    [InlineData("-1", -1.0)]
    [InlineData("2.5", 2.5)]
    [InlineData("-12.25e1", -122.5)]
    [InlineData("5E-1", 0.5)]
    [InlineData("1e+2", 100.0)]
    [InlineData("0.0e999999999999", 0.0)]
    [InlineData("1e-999999999999", 0.0)]
    [InlineData("1e309", double.PositiveInfinity)]
    [InlineData("-1e99999999999999999999", double.NegativeInfinity)]
    [InlineData("100000000000000000000000", 1e23)]
    [InlineData("0.00000000000000000000000000000000000000015", 15 / 1e41)]
    [InlineData("12345678901234567890123.5", 12345678901234567890.0 * 1e3)]
    public void A_number_is_its_digits_times_a_power_of_ten(string number, double expected) => Assert.Equal(expected, Read(number));

    // The digits as an integer, rounded, and one division: twice rounded, where the nearest double is rounded once.
    [Theory]
    [InlineData("0.40227556601166725", 40227556601166725, 1e17)]
    [InlineData("-3.1415926535897932384626", -3141592653589793238, 1e18)]
    [InlineData("9.00719925474099267e-5", 900719925474099267, 1e22)]
    public void Long_numbers_are_rounded_twice(string number, long digits, double power) => Assert.Equal(digits / power, Read(number));

    [Fact]
    public void The_last_bit_may_differ_from_the_nearest_double_and_no_more()
    {
        var random = new Random(6);
        int differ = 0;
        for (int round = 0; round < 10_000; round++)
        {
            double nearest = -15 * random.NextDouble();
            double read = Read(nearest.ToString("R", CultureInfo.InvariantCulture));
            Assert.True(read == nearest || read == double.BitIncrement(nearest) || read == double.BitDecrement(nearest));
            differ += read == nearest ? 0 : 1;
        }
        Assert.InRange(differ, 100, 5000);
    }

    private static double Read(string number) => ScoreReader.Read(Encoding.UTF8.GetBytes(number));
}
