using System.Text;
using SpecDecode.Checkpoints;

namespace SpecDecode.Weights;

/// <summary>
/// A small file that remembers a number for as long as some files have the same <see cref="Stamp"/>. What is not, byte for byte, as it would
/// be written now is nothing remembered, and so is what users other than this one may have written. Where it cannot be written nothing
/// is remembered, and whoever asks does the work again.
/// </summary>
internal sealed class StampFile
{
    private const string Extension = ".stamp";

    private readonly string _path;

    private StampFile(string path) => _path = path;

    /// <summary>Those that a crash may have left half-written.</summary>
    public static string TemporaryPattern => OwnFile.TemporaryPattern(Extension);

    /// <summary>The one for a file beside it.</summary>
    public static StampFile Beside(string file) => new(file + Extension);

    /// <summary>The one for what lies elsewhere.</summary>
    /// <param name="folder">The folder that it lies in, which <see cref="CacheFolder"/> trusts.</param>
    /// <param name="kind">A word to begin its name with.</param>
    /// <param name="path">The full path of what is stamped.</param>
    public static StampFile Of(string folder, string kind, string path) =>
        new(Path.Combine(folder, $"{kind}-{ContentHash.Of(Encoding.UTF8.GetBytes(path))}{Extension}"));

    /// <summary>The number that was remembered with this stamp; null where there is none.</summary>
    public ContentHash? Find(Stamp stamp)
    {
        // All of these files have one length, so that nothing is read of another.
        int length = Write(stamp, default).Length;
        if (OwnFile.TryRead(_path, length, out _) is not { } found || found.Length != length)
        {
            return null;
        }

        string digits = Encoding.ASCII.GetString(found, stamp.OpenJson.Length + NumberKey.Length, ContentHash.Digits);
        return ContentHash.Parse(digits) is { } number && Write(stamp, number).AsSpan().SequenceEqual(found) ? number : null;
    }

    /// <summary>Remembers a number with a stamp, in place of what was remembered before.</summary>
    public void Remember(Stamp stamp, ContentHash number)
    {
        try
        {
            OwnFile.Write(_path, Write(stamp, number));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next load does the work again.
        }
    }

    private static ReadOnlySpan<byte> NumberKey => ",\"number\":\""u8;

    private static ReadOnlySpan<byte> CheckKey => "\",\"check\":\""u8;

    // The stamp's object, completed with the number and a hash of all that stands before.
    private static byte[] Write(Stamp stamp, ContentHash number)
    {
        byte[] head = [.. stamp.OpenJson, .. NumberKey, .. Encoding.ASCII.GetBytes(number.ToString())];
        return [.. head, .. CheckKey, .. Encoding.ASCII.GetBytes(ContentHash.Of(head).ToString()), .. "\"}\n"u8];
    }
}
