using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Verification;

namespace SpecDecode.Scheduling;

/// <summary>
/// One step of the engine for all live sequences at once, which is a speculative round for each that drafts: gather, draft,
/// verify, accept. Allocates nothing once its lists have grown. Not safe for concurrent use.
/// </summary>
internal sealed class EngineStep
{
    private readonly IStages _stages;
    private readonly Drafter _drafter;
    private readonly Verifier _verifier;
    private readonly RoundList _rounds = new();
    private readonly List<CacheTransaction.Entry> _enlisted = [];

    /// <summary>Makes a step for a model.</summary>
    public EngineStep(IStages stages)
    {
        _stages = stages;
        _drafter = new Drafter(stages);
        _verifier = new Verifier(stages);
    }

    /// <summary>
    /// Advances the sequences: each gains a token or several, or reads a piece of its prompt, or waits for a later step when
    /// the pass is full. When a stage fails, every sequence is as it was before the step.
    /// </summary>
    /// <param name="live">Sequences that are not finished, in the order in which they came.</param>
    public StepRecord Run(IReadOnlyList<Sequence> live)
    {
        if (live.Count == 0)
        {
            return default;
        }

        using CacheTransaction transaction = new(_enlisted);
        long start = Stopwatch.GetTimestamp();
        long runtime = _stages.RuntimeTicks;

        _rounds.Gather(live, _stages.MaxRows, transaction);
        int draftRows = _drafter.Run(_rounds);
        long drafted = Stopwatch.GetTimestamp();
        int verifyRows = _verifier.Run(_rounds);
        long verified = Stopwatch.GetTimestamp();
        Accept(transaction);

        TimeSpan draftTime = Stopwatch.GetElapsedTime(start, drafted);
        TimeSpan verifyTime = Stopwatch.GetElapsedTime(drafted, verified);
        int newTokens = Append(draftTime / Math.Max(draftRows, 1), verifyTime / verifyRows);
        return new StepRecord
        {
            PromptRows = _rounds.PromptRows,
            DraftRows = draftRows,
            VerifyRows = verifyRows,
            NewTokens = newTokens,
            DraftTime = draftTime,
            VerifyTime = verifyTime,
            Time = Stopwatch.GetElapsedTime(start),
            RuntimeTime = Stopwatch.GetElapsedTime(runtime, _stages.RuntimeTicks),
        };
    }

    // The longest prefix of each draft that the verifier agrees with, and its own token behind it.
    private void Accept(CacheTransaction transaction)
    {
        for (int i = 0; i < _rounds.Count; i++)
        {
            Round round = _rounds[i];
            if (round.ReachesEnd)
            {
                round.Accept(GreedyAcceptance.Count(round.Draft, round.Targets));
            }

            transaction.Keep(round.CachePlace, round.KeptLength);
        }

        transaction.Commit();
    }

    private int Append(TimeSpan draftTimePerRow, TimeSpan verifyTimePerRow)
    {
        int tokens = 0;
        for (int i = 0; i < _rounds.Count; i++)
        {
            _rounds[i].Sequence.Append(_rounds[i], draftTimePerRow, verifyTimePerRow);
            tokens += _rounds[i].Appended;
        }

        return tokens;
    }
}
