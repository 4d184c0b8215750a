using System.Collections.Immutable;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>One tensor as a safetensors header tells it, its place counted from the end of the header.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="DType">The element type as stored.</param>
/// <param name="Shape">The dimensions, none negative.</param>
/// <param name="Begin">The first byte, at least 0.</param>
/// <param name="End">The byte behind the last one, at least <paramref name="Begin"/>.</param>
internal readonly record struct SafetensorsTensor(string Name, string DType, ImmutableArray<long> Shape, long Begin, long End)
{
    /// <summary>Checks that shape and element type ask for exactly the bytes that the offsets give.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CheckpointException">They do not; or the size overflows. A dtype of unknown size is not judged.</exception>
    public void CheckSize(string path)
    {
        if (TensorDType.Bits(DType) is not { } bitsPerElement)
            return;

        // Below 2^63 at each step, so that every product fits 128 bits.
        UInt128 elements = 1;
        foreach (long dimension in Shape)
        {
            elements *= (UInt128)dimension;
            if (elements > long.MaxValue)
            {
                throw new CheckpointException(path, $"tensor {Quote(Name)} has the shape {Dimensions(Shape.AsSpan())}, "
                    + "larger than any file can be; the header is damaged, download the file again");
            }
        }

        UInt128 bits = elements * (UInt128)bitsPerElement;
        if (bits % 8 != 0 || bits / 8 != (UInt128)(End - Begin))
        {
            throw new CheckpointException(path, $"tensor {Quote(Name)} of {DType} {Dimensions(Shape.AsSpan())} "
                + $"takes {(bits + 7) / 8} bytes, and its data_offsets [{Begin}, {End}] hold {End - Begin}; "
                + "the header is damaged, download the file again");
        }
    }
}
