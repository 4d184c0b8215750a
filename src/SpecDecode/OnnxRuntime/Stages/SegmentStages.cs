using System.Collections.Immutable;
using SpecDecode.Plans;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Segments of a copy of a model's weights as sessions: several blocks, attention among them, in one call. Which there are follows from the runs of
/// blocks that passes ask for again and again; a run that is not known runs block by block. Weights that lie in panels belong to no session, so
/// a segment takes memory for its graph alone; on a device it has its weights beside those of its blocks' sessions.
/// </summary>
internal sealed class SegmentStages : IDisposable
{
    // A run that has come so often comes again, and is known. Of the whole model that is known beforehand.
    private const int RunsToKnow = 16;

    // Runs that are known, which are those of some plans, and runs that may become so. What a search tries comes and goes.
    private const int MostRuns = 32;

    // Calls for which a known run must have rested before another takes its place: to cut anew makes sessions, which takes milliseconds.
    private const int Rest = 20_000;

    private readonly Func<ImmutableArray<Block>, StageSession> _create;
    private readonly List<Run> _known = [];
    private readonly List<Run> _tried = [];
    private readonly Dictionary<string, StageSession> _sessions = [];
    private long _clock;

    /// <summary>Has no segment yet.</summary>
    /// <param name="create">Makes the session of some blocks.</param>
    public SegmentStages(Func<ImmutableArray<Block>, StageSession> create) => _create = create;

    /// <summary>Sessions that there are.</summary>
    public int Count => _sessions.Count;

    /// <summary>Runs that went in segments so far.</summary>
    public long Served { get; private set; }

    /// <summary>The segments of a run of blocks, in their order; null where it runs block by block.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <exception cref="SpecDecodeException">A session cannot be made.</exception>
    public IReadOnlyList<StageSession>? Of(ReadOnlySpan<Block> blocks)
    {
        _clock++;
        if (Find(_known, blocks) is { } known)
        {
            known.LastUse = _clock;
            Served += known.Stages is null ? 0 : 1;
            return known.Stages;
        }

        Run tried = Find(_tried, blocks) ?? Enter(blocks);
        tried.LastUse = _clock;
        if (++tried.Uses < RunsToKnow || !HasRoom())
        {
            return null;
        }

        _tried.Remove(tried);
        _known.Add(tried);
        CutAnew();
        Served++;
        return tried.Stages;
    }

    /// <summary>Makes the segments of a run that will come again, so that its first time goes in them.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <exception cref="SpecDecodeException">A session cannot be made.</exception>
    public void Know(ReadOnlySpan<Block> blocks)
    {
        _known.Add(new Run([.. blocks]));
        CutAnew();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (StageSession session in _sessions.Values)
        {
            session.Dispose();
        }

        _sessions.Clear();
    }

    private static Run? Find(List<Run> runs, ReadOnlySpan<Block> blocks)
    {
        foreach (Run run in runs)
        {
            if (blocks.SequenceEqual(run.Blocks.AsSpan()))
            {
                return run;
            }
        }

        return null;
    }

    private Run Enter(ReadOnlySpan<Block> blocks)
    {
        if (_tried.Count == MostRuns)
        {
            _tried.Remove(_tried.MinBy(run => run.LastUse)!);
        }

        Run entered = new([.. blocks]);
        _tried.Add(entered);
        return entered;
    }

    // Whether there is, or comes to be, room for one more known run.
    private bool HasRoom()
    {
        if (_known.Count < MostRuns)
        {
            return true;
        }

        Run oldest = _known.MinBy(run => run.LastUse)!;
        return _clock - oldest.LastUse > Rest && _known.Remove(oldest);
    }

    // Sessions that are not needed any more go first, since they may have weights. Should one not come to be, all runs block by block.
    private void CutAnew()
    {
        ImmutableArray<ImmutableArray<Block>> segments = Segments.Cut(_known.Select(run => run.Blocks));
        HashSet<string> used = [.. segments.Select(Name)];
        _known.ForEach(run => run.Stages = null);
        foreach (string name in _sessions.Keys.Where(name => !used.Contains(name)).ToArray())
        {
            _sessions.Remove(name, out StageSession? unused);
            unused!.Dispose();
        }

        Dictionary<Block, (ImmutableArray<Block> Blocks, StageSession Session)> byFirst = [];
        foreach (ImmutableArray<Block> segment in segments)
        {
            if (!_sessions.TryGetValue(Name(segment), out StageSession? session))
            {
                session = _create(segment);
                _sessions.Add(Name(segment), session);
            }

            byFirst.Add(segment[0], (segment, session));
        }

        foreach (Run run in _known)
        {
            List<StageSession> stages = [];
            for (int place = 0; place < run.Blocks.Length;)
            {
                (ImmutableArray<Block> blocks, StageSession session) = byFirst[run.Blocks[place]];
                stages.Add(session);
                place += blocks.Length;
            }

            run.Stages = stages;
        }
    }

    private static string Name(ImmutableArray<Block> segment) => string.Join(' ', segment);

    private sealed class Run(ImmutableArray<Block> blocks)
    {
        public ImmutableArray<Block> Blocks => blocks;

        public int Uses { get; set; }

        public long LastUse { get; set; }

        public IReadOnlyList<StageSession>? Stages { get; set; }
    }
}
