using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;

namespace SpecDecode.Checkpoints;

/// <summary>
/// An XXH128, as a number of 128 bits. Not a <see cref="UInt128"/>: code with that type is never compiled ahead (its layout on the stack is not the same on all systems),
/// and hashes are what a start asks for first.
/// </summary>
/// <param name="Upper">The upper 64 bits.</param>
/// <param name="Lower">The lower ones.</param>
internal readonly record struct ContentHash(ulong Upper, ulong Lower)
{
    /// <summary>Bytes of one.</summary>
    public const int Bytes = 16;

    /// <summary>Hexadecimal digits of one.</summary>
    public const int Digits = 32;

    /// <summary>The hash of bytes.</summary>
    public static ContentHash Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Bytes];
        XxHash128.Hash(bytes, hash);
        return Read(hash);
    }

    /// <summary>The hash of what was given to a running one.</summary>
    public static ContentHash Of(XxHash128 running)
    {
        Span<byte> hash = stackalloc byte[Bytes];
        running.GetCurrentHash(hash);
        return Read(hash);
    }

    /// <summary>Reads the digits that <see cref="ToString"/> writes.</summary>
    /// <param name="digits">Exactly so many, in either case.</param>
    /// <returns>The number; null where they are something else.</returns>
    public static ContentHash? Parse(ReadOnlySpan<char> digits)
    {
        if (digits.Length != Digits)
        {
            return null;
        }

        // Numbers are parsed with NUL characters at the end, too.
        foreach (char digit in digits)
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return null;
            }
        }

        return new ContentHash(Half(digits[..(Digits / 2)]), Half(digits[(Digits / 2)..]));
    }

    /// <summary>As 32 hexadecimal digits in lower case.</summary>
    public override string ToString() => Upper.ToString("x16", CultureInfo.InvariantCulture) + Lower.ToString("x16", CultureInfo.InvariantCulture);

    private static ulong Half(ReadOnlySpan<char> digits) => ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static ContentHash Read(ReadOnlySpan<byte> hash) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[sizeof(ulong)..]));
}
