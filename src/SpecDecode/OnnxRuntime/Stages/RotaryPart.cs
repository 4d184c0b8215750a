using SpecDecode.Descriptions;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>The positions of one rotary embedding in a table, which may have two (LongRoPE): those of the second follow behind those of the first.</summary>
internal sealed class RotaryPart
{
    private const int Piece = 256;

    private readonly RotaryDescription _rotary;

    private RotaryPart(RotaryDescription rotary, int start, int positions)
    {
        _rotary = rotary;
        Start = start;
        Positions = positions;
    }

    /// <summary>Most positions that are computed at once.</summary>
    public static int MostAtOnce => Piece;

    /// <summary>Where in the table its position 0 is.</summary>
    public int Start { get; }

    /// <summary>How many it has.</summary>
    public int Positions { get; }

    /// <summary>How many of them are computed.</summary>
    public int Filled { get; private set; }

    /// <summary>The parts of a table.</summary>
    /// <param name="rotary">The embedding.</param>
    /// <param name="maxSequenceLength">Longest sequence.</param>
    public static (RotaryPart Short, RotaryPart? Long) Of(RotaryDescription rotary, int maxSequenceLength)
    {
        RotaryPart first = new(rotary, 0, rotary.Long is null ? maxSequenceLength : Math.Min(maxSequenceLength, rotary.OriginalContext));
        return (first, rotary.For(maxSequenceLength) == rotary ? null : new RotaryPart(rotary.For(maxSequenceLength), first.Positions, maxSequenceLength));
    }

    /// <summary>The next positions that a sequence of some length needs and that are not computed, which count as computed from then on.</summary>
    /// <param name="length">The length; no more than <see cref="Positions"/>.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many: at most <see cref="MostAtOnce"/>.</param>
    /// <returns>Whether there are any.</returns>
    public bool TakeMissing(int length, out int first, out int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Positions);
        first = Filled;
        count = first < length ? Math.Min(Piece, Positions - first) : 0;
        Filled += count;
        return count > 0;
    }

    /// <summary>Computes cosines and sines, <c>[positions, width]</c> each.</summary>
    /// <param name="first">The first position.</param>
    /// <param name="width">Channel pairs of a head; those that are not rotated have cosine 1 and sine 0.</param>
    /// <param name="cosines">Takes the cosines.</param>
    /// <param name="sines">Takes the sines; as long.</param>
    public void Compute(int first, int width, Span<float> cosines, Span<float> sines)
    {
        cosines.Fill(1f);
        sines.Clear();
        for (int row = 0; row < cosines.Length / width; row++)
        {
            for (int i = 0; i < _rotary.InverseFrequencies.Length; i++)
            {
                (double sine, double cosine) = Math.SinCos((first + row) * _rotary.InverseFrequencies[i]);
                cosines[row * width + i] = (float)(cosine * _rotary.AttentionFactor);
                sines[row * width + i] = (float)(sine * _rotary.AttentionFactor);
            }
        }
    }
}
