using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.Plans;

namespace SpecDecode.Drafting.Profiles;

/// <summary>
/// The numbers of a profile's bridges, in a safetensors file beside it: of the bridge behind layer 3 <c>3.scale</c> <c>[d]</c>, <c>3.up</c>
/// <c>[d, r]</c> and <c>3.down</c> <c>[r, d]</c>, or <c>3.scale</c> and <c>3.full</c> <c>[d, d]</c>; all in float32.
/// </summary>
internal static class BridgeFile
{
    /// <summary>What the name of such a file ends with. Not <c>.safetensors</c>: whoever looks for a model's weights takes all of those.</summary>
    public const string Extension = ".bridges";

    // Beyond any model's.
    private const long MostBytes = 8L << 30;
    private const long MostNumbers = (1 << 29) - 1;

    private const string Scale = "scale";
    private const string Full = "full";
    private const string Up = "up";
    private const string Down = "down";

    /// <summary>A hash of some bridges, 32 hexadecimal digits.</summary>
    public static string Fingerprint(IReadOnlyList<LinearBridge> bridges) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', bridges.OrderBy(bridge => bridge.Layer).Select(bridge => bridge.Fingerprint)))).AsSpan(0, ModelIdentity.FingerprintLength / 2));

    /// <summary>The name that goes with a profile's: what is in the file decides it, so a profile that is written anew leaves the old one whole.</summary>
    /// <param name="profile">The profile's path.</param>
    /// <param name="fingerprint">What the bridges hash to.</param>
    public static string NameBeside(string profile, string fingerprint) => $"{Path.GetFileNameWithoutExtension(profile)}-{fingerprint[..8]}{Extension}";

    /// <summary>Writes a file; it is there whole, or as it was before.</summary>
    /// <exception cref="SpecDecodeException">It cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<LinearBridge> bridges)
    {
        List<(string Name, long[] Shape, ReadOnlyMemory<float> Numbers)> tensors = [];
        foreach (LinearBridge bridge in bridges)
        {
            Add(bridge, Scale, [bridge.Width], bridge.Scale);
            Add(bridge, bridge.IsFull ? Full : Up, [bridge.Width, bridge.Rank], bridge.Up);
            if (!bridge.IsFull)
            {
                Add(bridge, Down, [bridge.Rank, bridge.Width], bridge.Down);
            }
        }

        ProfileFile.Write(path, stream =>
        {
            byte[] header = Header(tensors);
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach ((_, _, ReadOnlyMemory<float> numbers) in tensors)
            {
                stream.Write(MemoryMarshal.AsBytes(numbers.Span));
            }
        });

        void Add(LinearBridge bridge, string part, long[] shape, ReadOnlyMemory<float> numbers) => tensors.Add((Name(bridge.Layer, part), shape, numbers));
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layers">Number of layers of the model.</param>
    /// <param name="fingerprint">What the bridges must hash to.</param>
    /// <exception cref="SpecDecodeException">It is missing, damaged, or another.</exception>
    public static IReadOnlyList<LinearBridge> Read(string path, int layers, string fingerprint)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Length > MostBytes)
        {
            throw Damaged(path, $"it has {file.Length} bytes, and there may be {MostBytes}");
        }

        List<LinearBridge> bridges = [];
        HashSet<string> known = [];
        for (int layer = 0; layer < layers; layer++)
        {
            if (!file.Tensors.ContainsKey(Name(layer, Scale)))
            {
                continue;
            }

            float[] scale = Numbers(file, layer, Scale, known);
            bool isFull = file.Tensors.ContainsKey(Name(layer, Full));
            float[] up = Numbers(file, layer, isFull ? Full : Up, known);
            float[] down = isFull ? [] : Numbers(file, layer, Down, known);
            try
            {
                bridges.Add(new LinearBridge(layer, scale, up, down));
            }
            catch (ArgumentException error)
            {
                throw Damaged(path, $"the bridge behind layer {layer} is none: {error.Message}", error);
            }
        }

        return file.Tensors.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown ? throw Damaged(path, $"it has {CheckpointText.Quote(unknown)}, which belongs to no bridge of a model with {layers} layers")
            : bridges.Count == 0 ? throw Damaged(path, "it has no bridge")
            : Fingerprint(bridges) != fingerprint ? throw Damaged(path, "its numbers are not those that the profile was written with")
            : bridges;
    }

    private static string Name(int layer, string part) => string.Create(CultureInfo.InvariantCulture, $"{layer}.{part}");

    private static float[] Numbers(SafetensorsFile file, int layer, string part, HashSet<string> known)
    {
        string name = Name(layer, part);
        known.Add(name);
        if (!file.Tensors.TryGetValue(name, out TensorEntry? tensor) || tensor.DType != "F32" || tensor.Length / sizeof(float) is 0 or > MostNumbers)
        {
            throw Damaged(file.Path, $"{name} is missing, is not in float32, or is of no size that a bridge has");
        }

        float[] numbers = new float[tensor.Length / sizeof(float)];
        file.Bytes(tensor, 0, checked((int)tensor.Length)).CopyTo(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private static SpecDecodeException Damaged(string path, string problem, Exception? cause = null) =>
        new($"{path}: the bridges of a drafting profile are damaged, {problem}: restore the file, or calibrate again.", cause);

    private static byte[] Header(List<(string Name, long[] Shape, ReadOnlyMemory<float> Numbers)> tensors)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            long begin = 0;
            foreach ((string name, long[] shape, ReadOnlyMemory<float> numbers) in tensors)
            {
                long end = begin + (long)numbers.Length * sizeof(float);
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WritePropertyName("shape");
                json.WriteRawValue($"[{string.Join(',', shape)}]");
                json.WritePropertyName("data_offsets");
                json.WriteRawValue(string.Create(CultureInfo.InvariantCulture, $"[{begin},{end}]"));
                json.WriteEndObject();
                begin = end;
            }

            json.WriteEndObject();
        }

        int padding = (sizeof(ulong) - bytes.WrittenCount % sizeof(ulong)) % sizeof(ulong);
        bytes.GetSpan(padding)[..padding].Fill((byte)' ');
        bytes.Advance(padding);
        return bytes.WrittenSpan.ToArray();
    }
}
