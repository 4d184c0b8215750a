using System.Buffers;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using SpecDecode.Checkpoints;

namespace SpecDecode.Weights;

/// <summary>
/// What the system says of some files, written out. Of two stamps that are the same, byte for byte, the files are taken to be the same.
/// </summary>
internal sealed class Stamp
{
    // Raised whenever a stamp or what is remembered with it would be written differently, or mean something else.
    private const int Format = 1;

    private readonly byte[] _json;
    private readonly FileState[] _files;

    private Stamp(byte[] json, FileState[] files)
    {
        _json = json;
        _files = files;
    }

    /// <summary>A JSON object without its end, so that more can be written behind it.</summary>
    public ReadOnlySpan<byte> OpenJson => _json;

    /// <summary>Whether all files were last written to so long before that whatever is written to them from then on gives another stamp.</summary>
    /// <param name="settledTime">What <see cref="FileState.SettledTime"/> was when their bytes began to be read.</param>
    public bool IsSettled(DateTime settledTime) => Array.TrueForAll(_files, file => file.IsSettled(settledTime));

    /// <summary>Whether it is the same, byte for byte.</summary>
    public bool IsSame(Stamp? other) => other is not null && OpenJson.SequenceEqual(other.OpenJson);

    /// <summary>Takes the stamp of open files; null where the system does not say enough of one of them.</summary>
    /// <param name="path">The full path of what they are.</param>
    /// <param name="content">A hash of what belongs to them and is read each time.</param>
    /// <param name="files">The files by their names.</param>
    public static Stamp? Of(string path, ContentHash content, IEnumerable<(string Name, SafeFileHandle File)> files)
    {
        List<FileState> states = [];
        ArrayBufferWriter<byte> json = new();
        using Utf8JsonWriter writer = new(json);
        writer.WriteStartObject();
        writer.WriteNumber("format", Format);
        writer.WriteString("path", path);
        writer.WriteString("content", content.ToString());
        writer.WriteStartArray("files");
        foreach ((string name, SafeFileHandle file) in files)
        {
            if (FileState.Of(file) is not { } state)
            {
                return null;
            }

            states.Add(state);
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteNumber("length", state.Length);
            writer.WriteString("modified", state.Modified.ToString());
            writer.WriteString("identity", state.Identity);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.Flush();
        return new Stamp(json.WrittenSpan.ToArray(), [.. states]);
    }
}
