using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Scheduling;

/// <summary>A text in a history: the sequence, and what the reference says that it must become.</summary>
internal sealed class HistoryText
{
    private readonly int[] _tokens;
    private readonly ulong[][] _entries;
    private readonly ScriptedStages _stages;

    public HistoryText(
        ScriptedModel model, ScriptedStages stages, int[] prompt, int maxTokens, IReadOnlySet<int> endOfSequence, SequenceDrafting? drafting,
        Sampler? sampler = null)
    {
        _stages = stages;
        Prompt = prompt;
        Expected = sampler is null ? model.Continue(prompt, maxTokens, endOfSequence) : Alone(model, prompt, maxTokens, endOfSequence, sampler);
        ExpectedReason = endOfSequence.Contains(Expected[^1]) ? FinishReason.Stop : FinishReason.Length;
        _tokens = [.. prompt, .. Expected];
        _entries = model.Entries(_tokens);
        Sequence = new Sequence(prompt, maxTokens, endOfSequence, new KvCache(stages.Pages, prompt.Length + maxTokens), drafting, sampler);
    }

    public int[] Prompt { get; }

    public int[] Expected { get; }

    /// <summary>Prompt and what is expected behind it.</summary>
    public int[] Tokens => _tokens;

    public FinishReason ExpectedReason { get; }

    public Sequence Sequence { get; }

    public int Committed => Sequence.Cache.CommittedLength;

    /// <summary>Whether the cache was rolled back, so that more than the last token is to be computed again.</summary>
    public bool RolledBack { get; set; }

    // Sampled texts have no shorter reference than plain decoding, which the histories without drafts compare with the model's arithmetic.
    private static int[] Alone(ScriptedModel model, int[] prompt, int maxTokens, IReadOnlySet<int> endOfSequence, Sampler sampler)
    {
        using ScriptedStages stages = new(model, 64);
        using Sequence sequence = new(prompt, maxTokens, endOfSequence, new KvCache(stages.Pages, prompt.Length + maxTokens), null, sampler);
        EngineStep step = new(stages);
        while (sequence.FinishReason is null)
        {
            step.Run([sequence]);
        }

        return sequence.NewTokens.ToArray();
    }

    /// <summary>What must hold between any two steps.</summary>
    public void Check()
    {
        KvCache cache = Sequence.Cache;
        Assert.False(cache.InTransaction);
        Assert.Equal(cache.CommittedLength, cache.CachedLength);
        Assert.Equal(_tokens.AsSpan(Prompt.Length, Sequence.NewTokens.Length), Sequence.NewTokens);
        Assert.Equal(Prompt.Length + Sequence.NewTokens.Length, Sequence.Length);
        Assert.Equal(_tokens.AsSpan(cache.CommittedLength, Sequence.Length - cache.CommittedLength), Sequence.Pending);
        Assert.Equal(Sequence.NewTokens.Length == Expected.Length ? ExpectedReason : null, Sequence.FinishReason);
        if (Sequence.NewTokens.Length > 0 && !RolledBack)
        {
            Assert.Equal(Sequence.Length - 1, cache.CommittedLength);
        }

        for (int layer = 0; layer < _entries.Length; layer++)
        {
            for (int position = 0; position < cache.CommittedLength; position++)
            {
                if (_stages.Memory.Read(cache, layer, position) != _entries[layer][position])
                {
                    Assert.Fail($"The entry of layer {layer} at position {position} is not what plain decoding leaves.");
                }
            }
        }
    }
}

/// <summary>
/// An engine with a scripted model and the texts that come and go in it, drawn from a seed. Every step is checked against
/// the reference, sequence by sequence and entry by entry.
/// </summary>
internal sealed class EngineHistory
{
    private static readonly int[] MaxRowsOfPasses = [1, 2, 3, 7, 256];
    private readonly Random _random;
    private readonly bool _drafts;
    private readonly Func<ScriptedModel, SequenceDrafting>? _drafting;
    private readonly ScriptedModel _model;
    private readonly EngineStep _step;

    public EngineHistory(int seed, bool drafts = false, Func<ScriptedModel, SequenceDrafting>? drafting = null)
    {
        _drafts = drafts;
        _drafting = drafting;
        _random = new Random(seed);
        _model = new ScriptedModel(_random.Next(1, 4), _random.Next(11, 32), (ulong)seed << 20);
        int maxRows = MaxRowsOfPasses[_random.Next(MaxRowsOfPasses.Length)];
        Stages = new ScriptedStages(_model, maxRows, _random.Next(1, maxRows + 1));
        _step = new EngineStep(Stages);
    }

    public ScriptedStages Stages { get; }

    public List<HistoryText> Live { get; } = [];

    /// <summary>Texts that ended in this history, each of them checked.</summary>
    public int Finished { get; private set; }

    /// <summary>Whether one of <paramref name="oneIn"/> chances comes true.</summary>
    public bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    public void Join(int texts)
    {
        for (int i = 0; i < texts; i++)
        {
            int[] prompt = Draw(Chance(4) ? 1 : _random.Next(1, 24));
            HashSet<int> endOfSequence = [.. Draw(_random.Next(3))];
            if (_drafting is not null)
            {
                JoinByPolicy(_drafting(_model), prompt, endOfSequence);
                continue;
            }

            Live.Insert(_random.Next(Live.Count + 1), new HistoryText(
                _model, Stages, prompt, _random.Next(1, _drafts ? 40 : 16), endOfSequence, _drafts && !Chance(5) ? DrawDraft() : null));
        }
    }

    /// <summary>Takes a text out where it is, as a cancelled request leaves.</summary>
    public void Remove()
    {
        if (Live.Count > 0)
        {
            int place = _random.Next(Live.Count);
            Live[place].Sequence.Dispose();
            Live.RemoveAt(place);
        }
    }

    /// <summary>Forgets the end of a text's cache.</summary>
    public void RollBack()
    {
        if (Live.Count > 0)
        {
            HistoryText text = Live[_random.Next(Live.Count)];
            text.Sequence.Cache.RollBackTo(_random.Next(text.Committed + 1));
            text.RolledBack = true;
        }
    }

    /// <summary>What the rounds of all steps did.</summary>
    public DraftingStatistics Rounds { get; } = new();

    /// <summary>One step with drafts, and what must hold behind it whatever was drafted and accepted.</summary>
    public void DraftedStep()
    {
        (int Committed, int Length)[] before = States();
        StepRecord record = _step.Run(Sequences());
        int gained = 0;
        for (int i = 0; i < Live.Count; i++)
        {
            HistoryText text = Live[i];
            gained += text.Sequence.Length - before[i].Length;
            text.RolledBack &= text.Committed != text.Sequence.Length - 1;
            text.Check();
        }

        // What a policy's own checks threw would pass for a failure of it, and what stages check for one of a pass.
        Assert.Null(_step.PolicyError);
        Assert.True(record.FailedPasses == 0 || Stages.DuringCall is not null, "A draft pass failed.");
        Assert.Equal(gained, record.OutputTokens);
        Assert.InRange(record.VerifyRows, 1, Stages.MaxRows);
        foreach (HistoryText ended in Live.Where(text => text.Sequence.FinishReason is not null).ToList())
        {
            Finished++;
            Rounds.Add(ended.Sequence.Statistics);
            ended.Sequence.Dispose();
            Live.Remove(ended);
        }
    }

    /// <summary>One step, and what it must have done with each sequence.</summary>
    public void Step()
    {
        int passes = Stages.Passes;
        (int Committed, int Length)[] before = States();
        int pending = Live.Sum(text => text.Sequence.Pending.Length);
        _step.Run(Sequences());

        Assert.Equal(passes + 1, Stages.Passes);
        Assert.Equal(Math.Min(pending, Stages.MaxRows), Stages.Rows);
        int gained = 0;
        int rows = 0;
        for (int i = 0; i < Live.Count; i++)
        {
            HistoryText text = Live[i];
            int read = text.Committed - before[i].Committed;
            bool readAll = text.Committed == before[i].Length;
            Assert.Equal(before[i].Length + (readAll ? 1 : 0), text.Sequence.Length);
            rows += read;
            gained += readAll ? 1 : 0;
            text.RolledBack &= !readAll;
            text.Check();
        }

        Assert.Equal(Stages.Rows, rows);
        Assert.Equal(gained, Stages.ScoredRows);
        Finished += Live.Count(text => text.Sequence.FinishReason is not null);
        Live.Where(text => text.Sequence.FinishReason is not null).ToList().ForEach(text => text.Sequence.Dispose());
        Live.RemoveAll(text => text.Sequence.FinishReason is not null);
    }

    /// <summary>A step that fails at a call of its pass, drawn by chance, and leaves everything as it was.</summary>
    /// <returns>The call.</returns>
    public int StepThatFails() => StepThatFails(_random.Next(Stages.CallsInPass));

    /// <summary>A step that fails at a call of its pass and leaves everything as it was.</summary>
    /// <returns>The call that failed: the one asked for, or -1 where there was nothing to score and it was the head's.</returns>
    public int StepThatFails(int failing)
    {
        (int Committed, int Length)[] before = States();
        Stages.DuringCall = (_, call) =>
        {
            if (call == failing)
            {
                throw new ScriptedFailureException();
            }
        };
        Exception? error = Record.Exception(() => _step.Run(Sequences()));
        Stages.DuringCall = null;
        if (error is null && failing == Stages.CallsInPass - 1 && Stages.ScoredRows == 0)
        {
            Live.ForEach(text => text.Check());
            return -1;
        }

        Assert.IsType<ScriptedFailureException>(error);
        Assert.Equal(before, States());
        Live.ForEach(text => text.Check());
        return failing;
    }

    /// <summary>
    /// A step that fails at a call of any of its passes. A draft pass that fails only shortens drafts; where verification fails,
    /// everything is left as it was.
    /// </summary>
    /// <returns>Whether it came to that call; if not, the step was an ordinary one.</returns>
    public bool StepThatFailsAnywhere()
    {
        (int Committed, int Length)[] before = States();
        int calls = _random.Next(1, 60);
        Stages.DuringCall = (_, _) =>
        {
            if (--calls == 0)
            {
                throw new ScriptedFailureException();
            }
        };
        Exception? error = null;
        try
        {
            DraftedStep();
        }
        catch (ScriptedFailureException failure)
        {
            error = failure;
        }

        Stages.DuringCall = null;
        if (error is null)
        {
            if (Live.Count == 0)
            {
                Join(1);
            }

            return calls <= 0;
        }

        Assert.Equal(before, States());
        Live.ForEach(text => text.Check());
        return true;
    }

    /// <summary>Steps until every text has ended; none of their storages is left.</summary>
    public void RunToEnd()
    {
        // Each step reads a row at least.
        int most = Live.Sum(text => text.Prompt.Length + text.Expected.Length - text.Committed);
        for (; Live.Count > 0; most--)
        {
            Assert.True(most > 0, "The texts do not end.");
            if (_drafts)
            {
                DraftedStep();
            }
            else
            {
                Step();
            }
        }

        Assert.Equal(0, Stages.Pages.Used);
        Assert.InRange(Stages.LargestPass, 0, Stages.MaxRows);
    }

    // A policy may come to know the whole text before it is written: half of the texts are sampled with noise that drafts share.
    private void JoinByPolicy(SequenceDrafting drafting, int[] prompt, HashSet<int> endOfSequence)
    {
        Sampler? sampler = Chance(2) ? null : new Sampler(new SamplingOptions
        {
            Temperature = 0.5f + _random.NextSingle(), Seed = _random.Next(), Acceptance = AcceptanceRule.SharedNoise,
        });
        HistoryText text = new(_model, Stages, prompt, _random.Next(1, 60), endOfSequence, drafting, sampler);
        if (drafting.Policy is WildPolicy)
        {
            drafting.State = text.Tokens;
        }

        Live.Insert(_random.Next(Live.Count + 1), text);
    }

    private (int Committed, int Length)[] States() => [.. Live.Select(text => (text.Committed, text.Sequence.Length))];

    private List<Sequence> Sequences() => [.. Live.Select(text => text.Sequence)];

    private DraftPlan DrawDraft()
    {
        DraftPlan plan = new()
        {
            Plan = DrawPlan(),
            Length = _random.Next(1, 17),
            Weights = Chance(4) ? WeightSet.Drafter : WeightSet.Verifier,
            Threshold = Chance(3) ? _random.NextSingle() : 0,
        };
        return Chance(2) ? plan : plan with { Cascade = DrawCascade(plan.Plan) };
    }

    // Some of the exits that lie before the end of the plan, and before what it leaves out.
    private DraftCascade? DrawCascade(LayerPlan plan)
    {
        int[] exits = [.. Enumerable.Range(1, _model.Layers).Where(exit => 2 * exit <= plan.ExactDepth && 2 * exit < plan.Blocks.Length && !Chance(3))];
        return exits.Length == 0 ? null : new DraftCascade(exits, _random.Next(1, 6), Chance(3) ? _random.NextSingle() : 0);
    }

    // Early exits, skip sets, and any blocks in any order, repeated ones included.
    private LayerPlan DrawPlan()
    {
        int layers = _model.Layers;
        return _random.Next(3) switch
        {
            0 => LayerPlan.EarlyExit(layers, _random.Next(1, layers + 1)),
            1 => LayerPlan.LayerSkip(layers, Draw(_random.Next(3)).Select(n => n % layers), Draw(_random.Next(3)).Select(n => n % layers)),
            _ => LayerPlan.Of(layers, Draw(_random.Next(9)).Select((n, i) =>
                Chance(2) ? new Block(i % 2 == 0 ? BlockKind.Attention : BlockKind.Mlp, i / 2 % layers) : new Block((BlockKind)(n % 2), n % layers))),
        };
    }

    private int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(_model.Vocabulary))];
}
