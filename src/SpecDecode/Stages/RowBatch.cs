using SpecDecode.Caching;

namespace SpecDecode.Stages;

/// <summary>The rows of one sequence in a pass: consecutive positions, lying together.</summary>
/// <param name="Cache">The sequence's key/value cache.</param>
/// <param name="FirstRow">Row of the first of them in the pass.</param>
/// <param name="Rows">How many.</param>
/// <param name="FirstPosition">Position in the sequence of the first of them; the entries before it are in the cache.</param>
internal readonly record struct RowSpan(KvCache Cache, int FirstRow, int Rows, int FirstPosition);

/// <summary>
/// The packed rows of a pass: tokens of all sequences that it advances, back to back, without padding. Made once and
/// refilled, so that a pass allocates nothing.
/// </summary>
internal sealed class RowBatch
{
    private readonly int[] _tokens;
    private readonly List<RowSpan> _spans = [];

    /// <summary>Makes an empty batch.</summary>
    /// <param name="maxRows">Most rows that it can hold.</param>
    public RowBatch(int maxRows) => _tokens = new int[maxRows];

    /// <summary>Rows in the batch.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows that can still be added.</summary>
    public int Room => _tokens.Length - Rows;

    /// <summary>Token id of each row.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Rows);

    /// <summary>The sequences' parts, in row order.</summary>
    public IReadOnlyList<RowSpan> Spans => _spans;

    /// <summary>Empties the batch.</summary>
    public void Clear()
    {
        Rows = 0;
        _spans.Clear();
    }

    /// <summary>Adds the next tokens of a sequence.</summary>
    /// <param name="cache">Its cache.</param>
    /// <param name="firstPosition">Position of the first token.</param>
    /// <param name="tokens">The tokens; no more than <see cref="Room"/>.</param>
    /// <returns>The row of the first of them.</returns>
    public int Add(KvCache cache, int firstPosition, params ReadOnlySpan<int> tokens)
    {
        tokens.CopyTo(_tokens.AsSpan(Rows));
        return AddRows(cache, firstPosition, tokens.Length);
    }

    /// <summary>Adds rows of a sequence that are beyond the embedding already, so that their tokens do not matter.</summary>
    /// <param name="cache">Its cache.</param>
    /// <param name="firstPosition">Position of the first row.</param>
    /// <param name="rows">How many; no more than <see cref="Room"/>.</param>
    /// <returns>The row of the first of them.</returns>
    public int AddRows(KvCache cache, int firstPosition, int rows)
    {
        int first = Rows;
        _spans.Add(new RowSpan(cache, first, rows, firstPosition));
        Rows += rows;
        return first;
    }
}
