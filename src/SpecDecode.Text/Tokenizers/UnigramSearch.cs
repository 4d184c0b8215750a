using System.Buffers;
using System.Numerics;
using System.Text;

namespace SpecDecode.Tokenizers;

/// <summary>
/// Viterbi's search for the best way to cut a word into pieces. Of equal sums the one that was found first stays: that whose
/// last piece is the longest.
/// </summary>
/// <remarks>
/// Where no piece goes over a place, every way leads through it: there the path so far is settled and given out. So a text
/// without a pre-tokenizer needs four bytes for each unit of its longest stretch without such a place, and no more.
/// </remarks>
/// <param name="trie">Finds the pieces.</param>
/// <param name="pieces">Their scores.</param>
/// <param name="unknownScore">The score of a character that is no piece.</param>
/// <param name="singlePrecision">Whether sums are kept in single precision.</param>
/// <param name="allowsUnknown">Whether such a character has a token.</param>
internal ref struct UnigramSearch(PieceTrie trie, UnigramPiece[] pieces, double unknownScore, bool singlePrecision, bool allowsUnknown)
{
    /// <summary>What stands in the path in place of a piece where a character is none.</summary>
    public const int Unknown = -1;

    private const int Unreached = -2;

    // The best sums that end at the places within reach, each at the low bits of its place; an unknown character reaches two on.
    private readonly int _mask = (int)BitOperations.RoundUpToPowerOf2((uint)trie.MaxLength + 3) - 1;
    private readonly double[] _sums = ArrayPool<double>.Shared.Rent((int)BitOperations.RoundUpToPowerOf2((uint)trie.MaxLength + 3));

    // The last piece of the best way to each place from the settled one on.
    private int[] _path = ArrayPool<int>.Shared.Rent(256);
    private int _settled;
    private int _reach;

    /// <summary>Finds the path and gives it out, all of it.</summary>
    /// <exception cref="SpecDecodeException">A character has no token.</exception>
    public void Run(ReadOnlySpan<char> word, ref UnigramModel.Output output)
    {
        (_settled, _reach) = (0, 0);
        _sums[0] = 0;
        for (int at = 0; at < word.Length;)
        {
            if (at == _reach)
            {
                Settle(word, ref output);
                if (output.IsFull)
                    return;
            }
            double sum = _sums[at & _mask];
            int single = char.IsHighSurrogate(word[at]) ? 2 : 1;
            bool isPiece = false;
            int node = PieceTrie.Root;
            for (int end = at; end < word.Length && trie.TryStep(ref node, word[end]);)
            {
                end++;
                int piece = trie.PieceAt(node);
                if (piece == PieceTrie.None)
                    continue;
                isPiece |= end - at == single;
                Offer(end, piece, sum + pieces[piece].Score);
            }
            if (!isPiece)
            {
                double unknown = sum + unknownScore;
                bool taken = Offer(at + single, Unknown, singlePrecision ? (float)unknown : unknown);
                if (taken && !allowsUnknown)
                    throw NoToken(word[at..]);
            }
            at += single;
        }
        Settle(word, ref output);
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Dispose()
    {
        ArrayPool<double>.Shared.Return(_sums);
        ArrayPool<int>.Shared.Return(_path);
    }

    // Whether this is the best way to a place so far.
    private bool Offer(int end, int piece, double sum)
    {
        if (end > _reach)
        {
            Reserve(end - _settled + 1);
            _path.AsSpan(_reach - _settled + 1, end - _reach).Fill(Unreached);
            _reach = end;
        }
        ref int last = ref _path[end - _settled];
        ref double best = ref _sums[end & _mask];
        if (last != Unreached && !(sum > best))
            return false;
        last = piece;
        best = singlePrecision ? (float)sum : sum;
        return true;
    }

    // Follows the path back, moving it up to the end of its stretch, and gives it out from there.
    private void Settle(ReadOnlySpan<char> word, ref UnigramModel.Output output)
    {
        int length = _reach - _settled;
        int first = length + 1;
        for (int end = length; end > 0;)
        {
            int piece = _path[end];
            _path[--first] = piece;
            end -= LengthOf(piece, word, _settled + end);
        }
        foreach (int piece in _path.AsSpan(first..(length + 1)))
        {
            int units = piece == Unknown ? (char.IsHighSurrogate(word[_settled]) ? 2 : 1) : pieces[piece].Text.Length;
            output.Write(piece, units);
            _settled += units;
        }
    }

    private readonly int LengthOf(int piece, ReadOnlySpan<char> word, int end) =>
        piece != Unknown ? pieces[piece].Text.Length : char.IsLowSurrogate(word[end - 1]) ? 2 : 1;

    private void Reserve(int length)
    {
        if (length <= _path.Length)
            return;
        var longer = ArrayPool<int>.Shared.Rent(Math.Max(length, 2 * _path.Length));
        _path.AsSpan().CopyTo(longer);
        ArrayPool<int>.Shared.Return(_path);
        _path = longer;
    }

    private static SpecDecodeException NoToken(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var rune, out _);
        return new(
            $"The tokenizer has no token for the character U+{rune.Value:X4}, and names none for unknown characters ('model.unk_id'). "
            + "Download the tokenizer's file again from where the model comes from, or leave the character out.");
    }
}
