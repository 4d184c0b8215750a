using System.Security.Cryptography;
using System.Text;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.Tests.ChatTemplates;

public sealed class CharacterCaseTests
{
    // Of "upper;lower;title;fold;" for each scalar value in order, code points in hexadecimal with commas between, computed
    // from UnicodeData.txt, SpecialCasing.txt (unconditional) and CaseFolding.txt (C and F) of Unicode 17.0.
    [Fact]
    public void Every_character_has_the_mappings_of_Unicode_17() => Assert.Equal(
        "23a63b252b9c04f4d050c33fe8144bb631c3ce7dec77f854f935984a3a0ecc5a",
        Digest(code => string.Concat(
            new[] { CharacterCase.Upper(code), CharacterCase.Lower(code), CharacterCase.Title(code), CharacterCase.Fold(code) }
                .Select(text => string.Join(',', CodePoints.Numbers(text).Select(part => $"{part:X}")) + ";"))));

    // Of one letter for each scalar value: U, L or T for what has the case, otherwise a hyphen, from DerivedCoreProperties.txt.
    [Fact]
    public void Every_character_has_the_case_of_Unicode_17() => Assert.Equal(
        "a4182713624af789452251986c4c267c3afe7ece4a8db30125d5c993087a8bed",
        Digest(code => CharacterCase.IsUpper(code) ? "U" : CharacterCase.IsLower(code) ? "L" : CharacterCase.IsTitle(code) ? "T" : "-"));

    [Theory]
    [InlineData(0x16EA0, 0x16EBB)]
    [InlineData(0xA7CE, 0xA7CF)]
    [InlineData(0xA7DC, 0x19B)]
    [InlineData(0x10D50, 0x10D70)]
    public void Letters_of_the_latest_versions_have_their_pairs(int upper, int lower)
    {
        Assert.Equal(char.ConvertFromUtf32(lower), CharacterCase.Lower(upper));
        Assert.Equal(char.ConvertFromUtf32(upper), CharacterCase.Upper(lower));
        Assert.Equal(char.ConvertFromUtf32(lower), CharacterCase.Fold(upper));
    }

    private static string Digest(Func<int, string> describe)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int code = 0; code < 0x110000; code++)
        {
            if (Rune.IsValid(code))
            {
                hash.AppendData(Encoding.ASCII.GetBytes(describe(code)));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
