namespace SpecDecode.Drafting;

/// <summary>
/// How far a draft is on each level of a cascade: level 0 is the plan, whose tokens are the draft, and each level below goes on behind the one above it.
/// Without a cascade there is level 0 alone.
/// </summary>
internal sealed class DraftLevels
{
    // Behind the lowest level there is one that never runs.
    private const int Count = DraftCascade.MostLevels + 2;

    private readonly int[] _chosen = new int[Count];
    private readonly int[] _rowsRun = new int[Count];
    private readonly bool[] _isStopped = new bool[Count];

    /// <summary>Tokens behind the known ones that a level has chosen, or takes from those above it.</summary>
    /// <param name="level">The level; below the lowest one nothing more is chosen.</param>
    public int Chosen(int level) => _chosen[level];

    /// <summary>Rows that a level has run, or leaves to those above it.</summary>
    /// <param name="level">The level.</param>
    public int RowsRun(int level) => _rowsRun[level];

    /// <summary>Whether a level goes no further before the one above it has judged.</summary>
    /// <param name="level">The level.</param>
    public bool IsStopped(int level) => _isStopped[level];

    /// <summary>Nothing has been chosen.</summary>
    public void Clear()
    {
        _chosen.AsSpan().Clear();
        _rowsRun.AsSpan().Clear();
        _isStopped.AsSpan().Clear();
    }

    /// <summary>A token that no level has chosen, and that none has run.</summary>
    public void Propose()
    {
        for (int level = 0; level < Count; level++)
        {
            _chosen[level]++;
        }
    }

    /// <summary>A level has chosen the next token.</summary>
    /// <param name="level">The level.</param>
    /// <returns>How many it has chosen now.</returns>
    public int Choose(int level) => ++_chosen[level];

    /// <summary>A level, and those below it, go no further.</summary>
    /// <param name="level">The level.</param>
    public void Stop(int level) => _isStopped.AsSpan(level).Fill(true);

    /// <summary>A pass of a level has chosen: its rows are run as far as its tokens go, and the levels below begin anew behind them.</summary>
    /// <param name="level">The level.</param>
    public void EndPass(int level)
    {
        _rowsRun[level] = _chosen[level];
        for (int below = level + 1; below < Count; below++)
        {
            _chosen[below] = _chosen[level];
            _rowsRun[below] = _chosen[level];
            _isStopped[below] = _isStopped[level];
        }
    }

    /// <summary>Which level runs next: the lowest that has guesses left to make.</summary>
    /// <param name="cascade">The cascade.</param>
    /// <param name="wanted">Tokens that the draft is to have; each level above adds one to what a level has guessed.</param>
    public int Next(DraftCascade cascade, int wanted)
    {
        int level = cascade.Levels;
        while (level > 0 && (_isStopped[level] || _chosen[level] - _chosen[level - 1] >= cascade.Length || _chosen[level] + level >= wanted))
        {
            level--;
        }

        return level;
    }
}
