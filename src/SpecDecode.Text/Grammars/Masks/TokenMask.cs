using System.Numerics;

namespace SpecDecode.Grammars.Masks;

/// <summary>What is remembered of the tokens that may follow a state.</summary>
internal sealed class TokenMask
{
    private readonly int[]? _tokens;
    private readonly ulong[]? _bits;

    /// <param name="bits">A bit for each token that may follow.</param>
    /// <param name="open">The nodes of the trie from which on it depends on what lies below the state, in ascending order.</param>
    public TokenMask(ReadOnlySpan<ulong> bits, int[] open)
    {
        Open = open;
        int count = 0;
        foreach (ulong word in bits)
            count += BitOperations.PopCount(word);
        if (count > 2 * bits.Length)
        {
            _bits = bits.ToArray();
            return;
        }
        _tokens = new int[count];
        count = 0;
        for (int i = 0; i < bits.Length; i++)
        {
            for (ulong word = bits[i]; word != 0; word &= word - 1)
                _tokens[count++] = 64 * i + BitOperations.TrailingZeroCount(word);
        }
    }

    /// <summary>The nodes of the trie from which on it depends on what lies below the state.</summary>
    public int[] Open { get; }

    /// <summary>How much memory it takes, in bytes.</summary>
    public int Size => 64 + 4 * Open.Length + 4 * (_tokens?.Length ?? 0) + 8 * (_bits?.Length ?? 0);

    /// <summary>Writes the bits.</summary>
    public void CopyTo(Span<ulong> bits)
    {
        if (_bits is not null)
        {
            _bits.CopyTo(bits);
            return;
        }
        bits.Clear();
        foreach (int token in _tokens!)
            bits[token >> 6] |= 1UL << token;
    }
}
