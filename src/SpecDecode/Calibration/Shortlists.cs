namespace SpecDecode.Calibration;

/// <summary>
/// Of each row the tokens between which it decides, and what the full model makes of them: a token that neither the full model nor the exit has in mind pulls at nothing,
/// and a row over 64 tokens takes a hundredth of one over thousands.
/// </summary>
/// <param name="rows">Rows n.</param>
/// <param name="length">Tokens of each, K.</param>
internal sealed class Shortlists(int rows, int length)
{
    private readonly int[] _tokens = new int[(long)rows * length];
    private readonly float[] _probabilities = new float[(long)rows * length];

    /// <summary>Tokens of each row, K.</summary>
    public int Length => length;

    /// <summary>A row's tokens, as numbers of the head's, <c>[K]</c>.</summary>
    public Span<int> Tokens(int row) => _tokens.AsSpan(row * length, length);

    /// <summary>The full model's probabilities of them among themselves, <c>[K]</c>.</summary>
    public Span<float> Probabilities(int row) => _probabilities.AsSpan(row * length, length);

    /// <summary>The largest of some numbers.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="places">Gets their places, the largest's first; at most as many as there are numbers.</param>
    public static void FindLargest(ReadOnlySpan<float> values, Span<int> places)
    {
        int count = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (count == places.Length && values[i] <= values[places[^1]])
            {
                continue;
            }

            int place = count < places.Length ? count++ : places.Length - 1;
            for (; place > 0 && values[i] > values[places[place - 1]]; place--)
            {
                places[place] = places[place - 1];
            }

            places[place] = i;
        }
    }
}
