using System.Text;
using SpecDecode.Grammars.Json;

namespace SpecDecode.Replies;

/// <summary>
/// Tells a call from any other JSON object where no marker stands before it, by its beginning alone: <c>{"name": "…"</c> with a tool's name, which <c>"type": "function"</c>
/// may stand before.
/// </summary>
/// <param name="tools">The tools' names.</param>
internal sealed class BareCall(IEnumerable<string> tools)
{
    // As much at each place as grammars have.
    private const int MostSpace = 20;

    private static readonly byte[][] Named = [.. "{ \"name\" :".Split(' ').Select(Encoding.UTF8.GetBytes)];
    private static readonly byte[][] Typed = [.. "{ \"type\" : \"function\" , \"name\" :".Split(' ').Select(Encoding.UTF8.GetBytes)];

    private readonly byte[][] _names = [.. tools.Select(name => Encoding.UTF8.GetBytes(JsonTexts.Quote(name)))];

    /// <summary>Whether an object is a call, so far as its beginning tells.</summary>
    /// <param name="json">The beginning, from its bracket on.</param>
    /// <returns>Null while either may come of it.</returns>
    public bool? Judge(ReadOnlySpan<byte> json) => Judge(json, Named) is not false and var verdict ? verdict : Judge(json, Typed);

    private bool? Judge(ReadOnlySpan<byte> json, byte[][] beginning)
    {
        foreach (byte[] piece in beginning)
        {
            if (Take(ref json, piece) is not true and var verdict)
            {
                return verdict;
            }
        }

        bool? any = false;
        foreach (byte[] name in _names)
        {
            ReadOnlySpan<byte> rest = json;
            if (Take(ref rest, name) is not false and var verdict)
            {
                any = verdict;
            }
        }

        return any;
    }

    // Takes a piece, and white space before it.
    private static bool? Take(ref ReadOnlySpan<byte> json, ReadOnlySpan<byte> piece)
    {
        ReadOnlySpan<byte> rest = json.TrimStart(" \t\r\n"u8);
        if (json.Length - rest.Length > MostSpace)
        {
            return false;
        }

        if (!rest.StartsWith(piece))
        {
            return piece.StartsWith(rest) ? null : false;
        }

        json = rest[piece.Length..];
        return true;
    }
}
