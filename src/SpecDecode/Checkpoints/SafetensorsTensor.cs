using System.Collections.Immutable;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Checkpoints;

/// <summary>One tensor as a safetensors header tells it, its place counted from the end of the header.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="DType">The element type as stored.</param>
/// <param name="Shape">The dimensions, none negative.</param>
/// <param name="Begin">The first byte, at least 0.</param>
/// <param name="End">The byte behind the last one, at least <paramref name="Begin"/>.</param>
internal sealed record SafetensorsTensor(string Name, string DType, ImmutableArray<long> Shape, long Begin, long End)
{
    /// <summary>Checks that shape and element type ask for exactly the bytes that the offsets give.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CheckpointException">They do not; or the size overflows. A dtype of unknown size is not judged.</exception>
    public void CheckSize(string path)
    {
        if (TensorDType.Bits(DType) is not { } bitsPerElement)
            return;

        // Below 2^63 at each step.
        long elements = 1;
        foreach (long dimension in Shape)
        {
            bool isTooLarge = Math.BigMul(elements, dimension, out long product) != 0 || product < 0;
            elements = product;
            if (isTooLarge)
            {
                throw new CheckpointException(path, $"tensor {Quote(Name)} has the shape {Dimensions(Shape.AsSpan())}, "
                    + "larger than any file can be; the header is damaged, download the file again");
            }
        }

        long upperBits = Math.BigMul(elements, bitsPerElement, out long lowerBits);
        if (Math.BigMul(End - Begin, 8, out long lowerHeld) != upperBits || lowerHeld != lowerBits)
        {
            throw new CheckpointException(path, $"tensor {Quote(Name)} of {DType} {Dimensions(Shape.AsSpan())} "
                + $"takes {decimal.Ceiling((decimal)elements * bitsPerElement / 8)} bytes, and its data_offsets [{Begin}, {End}] hold {End - Begin}; "
                + "the header is damaged, download the file again");
        }
    }
}
