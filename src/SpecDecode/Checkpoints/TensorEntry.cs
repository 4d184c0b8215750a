using System.Collections.Immutable;

namespace SpecDecode.Checkpoints;

/// <summary>Where one tensor lies. Entries come out of a checked header, so offset and length lie within the file.</summary>
/// <param name="Name">The tensor's name, such as <c>model.norm.weight</c>.</param>
/// <param name="DType">The element type as stored, such as <c>BF16</c>.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar.</param>
/// <param name="File">The full path of the safetensors file.</param>
/// <param name="Offset">The first byte, counted from the start of the file.</param>
/// <param name="Length">The tensor's size in bytes.</param>
internal sealed record TensorEntry(string Name, string DType, ImmutableArray<long> Shape, string File, long Offset, long Length)
{
    /// <summary>The element type that <see cref="DType"/> names.</summary>
    public TensorElementType ElementType => TensorDType.Type(DType);
}
