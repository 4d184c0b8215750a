using System.IO.Hashing;
using System.Text;
using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

/// <summary>Prepared weights as another version of the library would have written them.</summary>
internal static class FormatVersions
{
    /// <summary>A whole, undamaged file whose table says another version.</summary>
    /// <param name="file">The file.</param>
    /// <param name="version">The version.</param>
    /// <param name="layout">How its matrices lie.</param>
    /// <param name="keys">Its key, and that of the other version; null leaves the key as it is.</param>
    public static byte[] Rewrite(byte[] file, int version, TensorLayout layout = TensorLayout.Panels, (string Now, string Then)? keys = null)
    {
        int trailer = file.Length - PreparedWeightsFormat.TrailerBytes;
        int table = trailer - (int)BitConverter.ToInt64(file, trailer);
        string now = $"\"version\":{PreparedWeightsFormat.VersionOf(layout)}";
        string json = Encoding.UTF8.GetString(file, table, trailer - table);
        Assert.Contains(now, json, StringComparison.Ordinal);
        if (keys is { } key)
        {
            Assert.Contains(key.Now, json, StringComparison.Ordinal);
            json = json.Replace(key.Now, key.Then, StringComparison.Ordinal);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(json.Replace(now, $"\"version\":{version}", StringComparison.Ordinal));
        return [.. file[..table], .. bytes, .. BitConverter.GetBytes((long)bytes.Length), .. XxHash128.Hash(bytes), .. file[(trailer + 24)..]];
    }
}
