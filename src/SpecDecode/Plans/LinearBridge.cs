using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SpecDecode.Plans;

/// <summary>
/// A linear map from the residual behind a layer to the one before the final norm, in place of all layers after it ("Your Transformer is Secretly
/// Linear", 2405.12250): y = s ∘ x + U V x, or y = s ∘ x + M x. The length of y means nothing, since the final norm takes it out. Immutable and compared by its
/// numbers; <see cref="LayerPlan.BridgedExit"/> is a plan that runs it.
/// </summary>
public sealed class LinearBridge : IEquatable<LinearBridge>
{
    /// <summary>Widest residual.</summary>
    public const int MaxWidth = 1 << 16;

    private readonly float[] _scale;
    private readonly float[] _up;
    private readonly float[] _down;

    /// <summary>Makes a bridge of numbers.</summary>
    /// <param name="layer">The layer behind which it begins, from 0.</param>
    /// <param name="scale">s, <c>[d]</c>; d from 1 to <see cref="MaxWidth"/>.</param>
    /// <param name="up">U, <c>[d, r]</c>, row by row; of a full map M, <c>[d, d]</c>.</param>
    /// <param name="down">V, <c>[r, d]</c>, row by row; empty of a full map.</param>
    /// <exception cref="ArgumentException">The sizes do not go together, or a number is none.</exception>
    public LinearBridge(int layer, ReadOnlySpan<float> scale, ReadOnlySpan<float> up, ReadOnlySpan<float> down = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        if (scale.Length is 0 or > MaxWidth)
        {
            throw new ArgumentException($"A bridge is {scale.Length} wide: give 1 to {MaxWidth} scales.", nameof(scale));
        }

        Layer = layer;
        Rank = down.IsEmpty ? scale.Length : down.Length / scale.Length;
        if ((long)Rank * scale.Length != up.Length || (!down.IsEmpty && down.Length != up.Length) || (down.IsEmpty && up.Length == 0))
        {
            throw new ArgumentException($"A bridge over {scale.Length} numbers has {up.Length} in U and {down.Length} in V: give d · r of each, or d · d in the one and none in the other.", nameof(up));
        }

        if (!AllFinite(scale) || !AllFinite(up) || !AllFinite(down))
        {
            throw new ArgumentException("A number of the bridge is none, or infinite.", nameof(scale));
        }

        _scale = scale.ToArray();
        _up = up.ToArray();
        _down = down.ToArray();
        Fingerprint = Hash();
    }

    /// <summary>The layer behind which it begins, from 0.</summary>
    public int Layer { get; }

    /// <summary>Numbers d of a row of the residual.</summary>
    public int Width => _scale.Length;

    /// <summary>The rank r of what it adds to the scaled residual; d of a full map.</summary>
    public int Rank { get; }

    /// <summary>Whether it is a whole matrix, not the product of two narrow ones.</summary>
    public bool IsFull => _down.Length == 0;

    /// <summary>s, <c>[d]</c>.</summary>
    public ReadOnlyMemory<float> Scale => _scale;

    /// <summary>U, <c>[d, r]</c>; of a full map M, <c>[d, d]</c>.</summary>
    public ReadOnlyMemory<float> Up => _up;

    /// <summary>V, <c>[r, d]</c>; empty of a full map.</summary>
    public ReadOnlyMemory<float> Down => _down;

    /// <summary>A hash of layer and numbers, 32 hexadecimal digits.</summary>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public bool Equals(LinearBridge? other) => other is not null && Fingerprint == other.Fingerprint;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LinearBridge);

    /// <inheritdoc/>
    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);

    /// <summary>The bridge in words.</summary>
    public override string ToString() => FormattableString.Invariant($"bridge behind layer {Layer}, {Width} wide, {(IsFull ? "full" : $"rank {Rank}")}");

    private static bool AllFinite(ReadOnlySpan<float> numbers)
    {
        foreach (float number in numbers)
        {
            if (!float.IsFinite(number))
            {
                return false;
            }
        }

        return true;
    }

    private string Hash()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>([Layer, Width, Rank, IsFull ? 1 : 0]));
        hash.AppendData(MemoryMarshal.AsBytes<float>(_scale));
        hash.AppendData(MemoryMarshal.AsBytes<float>(_up));
        hash.AppendData(MemoryMarshal.AsBytes<float>(_down));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
