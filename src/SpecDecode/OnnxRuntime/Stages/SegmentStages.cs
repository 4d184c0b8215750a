using System.Collections.Immutable;
using SpecDecode.Plans;

namespace SpecDecode.OnnxRuntime.Stages;

/// <summary>
/// Segments of a copy of a model's weights as sessions: several blocks, attention among them, in one call. Which there are follows from the runs of
/// blocks that passes ask for again and again; a run that is not known runs block by block. Weights that lie in panels belong to no session, so
/// a segment takes memory for its graph alone.
/// </summary>
internal sealed class SegmentStages : IDisposable
{
    // A run that has come so often comes again.
    private const int RunsToKnow = 16;

    // Runs that are looked at: those of a few plans. What a search tries comes and goes.
    private const int MostRuns = 32;

    private readonly Func<ImmutableArray<Block>, StageSession> _create;
    private readonly List<Run> _runs = [];
    private readonly Dictionary<string, StageSession> _sessions = [];
    private int _clock;

    /// <summary>Has no segment yet.</summary>
    /// <param name="create">Makes the session of some blocks.</param>
    public SegmentStages(Func<ImmutableArray<Block>, StageSession> create) => _create = create;

    /// <summary>Sessions that there are.</summary>
    public int Count => _sessions.Count;

    /// <summary>The segments of a run of blocks, in their order; null where it runs block by block.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <exception cref="SpecDecodeException">A session cannot be made.</exception>
    public IReadOnlyList<StageSession>? Of(ReadOnlySpan<Block> blocks)
    {
        Run? run = null;
        foreach (Run each in _runs)
        {
            if (blocks.SequenceEqual(each.Blocks.AsSpan()))
            {
                run = each;
                break;
            }
        }

        run ??= Enter(blocks);
        run.LastUse = ++_clock;
        if (run.Uses < RunsToKnow && ++run.Uses == RunsToKnow)
        {
            CutAnew();
        }

        return run.Stages;
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

    private Run Enter(ReadOnlySpan<Block> blocks)
    {
        if (_runs.Count == MostRuns)
        {
            Run oldest = _runs.MinBy(run => run.LastUse)!;
            _runs.Remove(oldest);
            if (oldest.Stages is not null)
            {
                CutAnew();
            }
        }

        Run entered = new([.. blocks]);
        _runs.Add(entered);
        return entered;
    }

    private void CutAnew()
    {
        Run[] known = [.. _runs.Where(run => run.Uses == RunsToKnow)];
        ImmutableArray<ImmutableArray<Block>> segments = Segments.Cut(known.Select(run => run.Blocks));
        Dictionary<Block, (ImmutableArray<Block> Blocks, StageSession Session)> byFirst = [];
        HashSet<string> used = [];
        foreach (ImmutableArray<Block> segment in segments)
        {
            string name = string.Join(' ', segment);
            used.Add(name);
            if (!_sessions.TryGetValue(name, out StageSession? session))
            {
                session = _create(segment);
                _sessions.Add(name, session);
            }

            byFirst.Add(segment[0], (segment, session));
        }

        foreach (string name in _sessions.Keys.Where(name => !used.Contains(name)).ToArray())
        {
            _sessions.Remove(name, out StageSession? unused);
            unused!.Dispose();
        }

        foreach (Run run in known)
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

    private sealed class Run(ImmutableArray<Block> blocks)
    {
        public ImmutableArray<Block> Blocks => blocks;

        public int Uses { get; set; }

        public int LastUse { get; set; }

        public IReadOnlyList<StageSession>? Stages { get; set; }
    }
}
