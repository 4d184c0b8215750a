using System.Numerics;

namespace SpecDecode.Grammars.Automata;

/// <summary>A set of bytes, as a bit for each.</summary>
internal readonly record struct ByteSet(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>Whether there is none in it.</summary>
    public bool IsEmpty => (A | B | C | D) == 0;

    /// <summary>How many bytes are in it.</summary>
    public int Count => BitOperations.PopCount(A) + BitOperations.PopCount(B) + BitOperations.PopCount(C) + BitOperations.PopCount(D);

    /// <summary>The lowest byte; the set is not empty.</summary>
    public byte First => (byte)(A != 0 ? BitOperations.TrailingZeroCount(A)
        : B != 0 ? 64 + BitOperations.TrailingZeroCount(B)
        : C != 0 ? 128 + BitOperations.TrailingZeroCount(C)
        : 192 + BitOperations.TrailingZeroCount(D));

    /// <summary>The same with a byte.</summary>
    public ByteSet With(byte value)
    {
        ulong bit = 1UL << (value & 63);
        return (value >> 6) switch
        {
            0 => this with { A = A | bit },
            1 => this with { B = B | bit },
            2 => this with { C = C | bit },
            _ => this with { D = D | bit },
        };
    }

    /// <summary>What is in this set or in another one.</summary>
    public ByteSet Union(ByteSet other) => new(A | other.A, B | other.B, C | other.C, D | other.D);

    /// <summary>What is in this set and not in another one.</summary>
    public ByteSet Except(ByteSet other) => new(A & ~other.A, B & ~other.B, C & ~other.C, D & ~other.D);

    /// <summary>Whether a byte is in this set and in another one.</summary>
    public bool Overlaps(ByteSet other) => ((A & other.A) | (B & other.B) | (C & other.C) | (D & other.D)) != 0;
}
