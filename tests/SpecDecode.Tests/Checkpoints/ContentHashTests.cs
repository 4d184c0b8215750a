using System.IO.Hashing;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

/// <summary>A hash is the number of 128 bits that the framework's type for them would be, digit for digit.</summary>
public sealed class ContentHashTests
{
    public static TheoryData<int> Lengths => [0, 1, 3, 16, 17, 128, 129, 240, 241, 5000];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void It_has_the_digits_of_the_number(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        UInt128 number = XxHash128.HashToUInt128(bytes);
        ContentHash hash = ContentHash.Of(bytes);
        Assert.Equal(((ulong)(number >> 64), (ulong)number), (hash.Upper, hash.Lower));
        Assert.Equal(number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture), hash.ToString());
        Assert.Equal(hash, ContentHash.Parse(hash.ToString()));
        Assert.Equal(hash, ContentHash.Parse(hash.ToString().ToUpperInvariant()));

        XxHash128 running = new();
        running.Append(bytes.AsSpan(0, length / 3));
        running.Append(bytes.AsSpan(length / 3));
        Assert.Equal(hash, ContentHash.Of(running));
    }

    [Fact]
    public void Zeros_stand_in_front() => Assert.Equal("0000000000000000000000000000002a", new ContentHash(0, 42).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("0000000000000000000000000000002")]
    [InlineData("0000000000000000000000000000002a0")]
    [InlineData("000000000000000000000000000000x2")]
    [InlineData("-000000000000000000000000000002a")]
    [InlineData(" 000000000000000000000000000002a")]
    [InlineData("0000000000000000000000000000002\0")]
    [InlineData("0000000000000000\00000000000000002")]
    public void Other_words_are_none(string digits) => Assert.Null(ContentHash.Parse(digits));
}
