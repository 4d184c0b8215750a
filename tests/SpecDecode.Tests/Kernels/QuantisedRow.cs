namespace SpecDecode.Tests.Kernels;

/// <summary>A row rounded to bytes in plain code: in each block the largest magnitude becomes 127, and halves go to the even neighbour.</summary>
internal sealed class QuantisedRow
{
    // Below it a block counts as zeros.
    private const float Smallest = 1e-36f;

    public QuantisedRow(ReadOnlySpan<float> row, int blockSize)
    {
        int blocks = (row.Length + blockSize - 1) / blockSize;
        Bytes = new int[blocks * blockSize];
        Scales = new float[blocks];
        for (int block = 0; block < blocks; block++)
        {
            ReadOnlySpan<float> numbers = row.Slice(block * blockSize, Math.Min(blockSize, row.Length - block * blockSize));
            float largest = 0;
            bool isFinite = true;
            foreach (float number in numbers)
            {
                largest = Math.Max(largest, Math.Abs(number));
                isFinite &= float.IsFinite(number);
            }

            if (!isFinite || largest < Smallest)
            {
                Scales[block] = isFinite ? 0 : float.NaN;
                continue;
            }

            float steps = 127 / largest;
            Scales[block] = largest / 127;
            for (int i = 0; i < numbers.Length; i++)
            {
                Bytes[block * blockSize + i] = (int)MathF.Round(numbers[i] * steps, MidpointRounding.ToEven);
            }
        }
    }

    /// <summary>The bytes, <c>[blocks · block size]</c>.</summary>
    public int[] Bytes { get; }

    /// <summary>What a byte of each block is worth.</summary>
    public float[] Scales { get; }
}
