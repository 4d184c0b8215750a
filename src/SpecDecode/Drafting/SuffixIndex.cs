using System.Numerics;

namespace SpecDecode.Drafting;

/// <summary>
/// Where the end of a text stood in it before, and so what may come next (prompt lookup). Hash chains over pairs of tokens, as LZ77
/// has them over bytes. For one thread; nothing is allocated once it is made.
/// </summary>
internal sealed class SuffixIndex
{
    /// <summary>The shortest match that is reported.</summary>
    public const int LeastMatch = 2;

    /// <summary>So many tokens of a match are compared: two matches of this length count as equally long.</summary>
    public const int MostMatch = 32;

    /// <summary>So many earlier places with the last pair's hash are looked at, the most recent first.</summary>
    public const int MostCandidates = 32;

    /// <summary>The most tokens that an index may be made for.</summary>
    public const int MostCapacity = 1 << 28;

    private readonly int[] _tokens;

    // For a hash the end of the most recent pair that has it, and for a pair's end that of the one before it with the same hash;
    // both as index + 1, so that 0 is none.
    private readonly int[] _heads;
    private readonly int[] _earlier;
    private readonly int _shift;

    /// <summary>An index of an empty text.</summary>
    /// <param name="capacity">The most tokens that the text may have; it takes 12 to 16 bytes for each. 1 to <see cref="MostCapacity"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is none of these.</exception>
    public SuffixIndex(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, MostCapacity);
        // At least 2, for a shift by 64 would be one by 0.
        uint heads = Math.Max(2, BitOperations.RoundUpToPowerOf2((uint)capacity));
        _tokens = new int[capacity];
        _earlier = new int[capacity];
        _heads = new int[heads];
        _shift = 64 - BitOperations.Log2(heads);
    }

    /// <summary>The most tokens that the text may have.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Tokens of the text so far.</summary>
    public int Count { get; private set; }

    /// <summary>The text goes on.</summary>
    /// <param name="tokens">Its next tokens in order.</param>
    /// <exception cref="ArgumentException">They are more than there is room for; none of them has been added.</exception>
    public void Append(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length > Capacity - Count)
        {
            throw new ArgumentException(
                $"{Count} tokens and {tokens.Length} more are beyond the index's capacity of {Capacity}: make it for the longest text.", nameof(tokens));
        }

        tokens.CopyTo(_tokens.AsSpan(Count));
        int end = Count + tokens.Length;
        for (int i = Math.Max(1, Count); i < end; i++)
        {
            ref int head = ref _heads[Hash(_tokens[i - 1], _tokens[i])];
            _earlier[i] = head;
            head = i + 1;
        }

        Count = end;
    }

    /// <summary>
    /// Finds the longest end of the text that stood in it before, of equally long ones the most recent, and gives what followed there.
    /// Where that runs up to the text's end it goes on with what was given already, so that a text that repeats itself is continued.
    /// </summary>
    /// <param name="proposal">Filled with what followed, whole; as it was where there is no match.</param>
    /// <param name="matchLength">Tokens of the match, <see cref="LeastMatch"/> to <see cref="MostMatch"/>; 0 where there is none.</param>
    /// <returns>The proposal's length; 0 where there is no match.</returns>
    public int Find(Span<int> proposal, out int matchLength) => Find(proposal, out matchLength, out _);

    /// <inheritdoc cref="Find(Span{int}, out int)"/>
    /// <param name="proposal">Filled with what followed, whole; as it was where there is no match.</param>
    /// <param name="matchLength">Tokens of the match, <see cref="LeastMatch"/> to <see cref="MostMatch"/>; 0 where there is none.</param>
    /// <param name="doubted">
    /// The first place of the proposal at which the next best match, of half its length at least, went on otherwise; the proposal's length where none did.
    /// </param>
    public int Find(Span<int> proposal, out int matchLength, out int doubted)
    {
        matchLength = 0;
        doubted = proposal.Length;
        if (Count <= LeastMatch)
        {
            return 0;
        }

        int match = 0;
        int other = 0;
        int otherLength = 0;
        int candidate = _earlier[Count - 1];
        for (int walked = 0; candidate > 0 && walked < MostCandidates && otherLength < MostMatch; walked++)
        {
            // A pair with the same hash may be another one: the tokens decide.
            int length = CommonEnd(candidate);
            if (length >= LeastMatch && length > matchLength)
            {
                (other, otherLength) = (match, matchLength);
                (match, matchLength) = (candidate, length);
            }
            else if (length >= LeastMatch && length > otherLength)
            {
                (other, otherLength) = (candidate, length);
            }

            candidate = _earlier[candidate - 1];
        }

        if (matchLength == 0)
        {
            return 0;
        }

        int known = Math.Min(proposal.Length, Count - match);
        _tokens.AsSpan(match, known).CopyTo(proposal);
        for (int i = known; i < proposal.Length; i++)
        {
            proposal[i] = proposal[i - known];
        }

        if (2 * otherLength >= matchLength)
        {
            doubted = CommonStart(proposal, other);
        }

        return proposal.Length;
    }

    // How many tokens of a proposal followed another place too; where that runs up to the text's end it goes on with the proposal.
    private int CommonStart(ReadOnlySpan<int> proposal, int place)
    {
        int length = 0;
        while (length < proposal.Length && proposal[length] == (place + length < Count ? _tokens[place + length] : proposal[place + length - Count]))
        {
            length++;
        }

        return length;
    }

    // How many tokens before that place are those at the text's end.
    private int CommonEnd(int end)
    {
        int most = Math.Min(MostMatch, end);
        int length = 0;
        while (length < most && _tokens[end - 1 - length] == _tokens[Count - 1 - length])
        {
            length++;
        }

        return length;
    }

    // Twice, for the upper bits of one product of numbers as small as ids fall together.
    private int Hash(int first, int second)
    {
        ulong hash = (((ulong)(uint)first << 32) | (uint)second) * 0x9E3779B97F4A7C15;
        return (int)(((hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93) >> _shift);
    }
}
