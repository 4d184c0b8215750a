using System.Diagnostics;
using SpecDecode.Caching;
using SpecDecode.Sequences;
using SpecDecode.Speculation;
using SpecDecode.Stages;

namespace SpecDecode.Scheduling;

/// <summary>
/// One step of the engine for all live sequences at once, which is a speculative round for each that drafts: gather, plan, draft,
/// verify, accept. Allocates nothing once its lists have grown. Not safe for concurrent use.
/// </summary>
internal sealed class EngineStep
{
    private readonly IStages _stages;
    private readonly Drafter _drafter;
    private readonly Verifier _verifier;
    private readonly DraftPolicies _policies;
    private readonly DraftVocabulary _draftVocabulary;
    private readonly RoundList _rounds;
    private readonly List<CacheTransaction.Entry> _enlisted = [];

    /// <summary>Makes a step for a model.</summary>
    /// <param name="stages">The model.</param>
    /// <param name="prefillChunk">Most rows of prompts in a step, all prompts together; at least 1.</param>
    /// <param name="rules">How tokens are chosen and accepted; null takes the rules that there are.</param>
    public EngineStep(IStages stages, int prefillChunk = int.MaxValue, AcceptanceRules? rules = null)
    {
        rules ??= new AcceptanceRules();
        _stages = stages;
        _policies = new DraftPolicies(stages.VocabularySize);
        _draftVocabulary = new DraftVocabulary(stages);
        _drafter = new Drafter(stages, rules, _draftVocabulary);
        _verifier = new Verifier(stages, rules);
        _rounds = new RoundList(prefillChunk, stages.VocabularySize);
    }

    /// <summary>The rounds of the last step, also of one that failed; those that were cancelled in it are not among them.</summary>
    public IReadOnlyList<Round> Rounds => _rounds;

    /// <summary>What a draft policy threw in the last step; null when none did.</summary>
    public Exception? PolicyError => _policies.Error;

    /// <summary>
    /// Advances the sequences: each gains a token or several, or reads a piece of its prompt, or waits for a later step when
    /// the pass is full, or is left as it is when it is cancelled meanwhile. A draft pass that fails ends the drafts in it;
    /// when verification fails, every sequence is as it was before the step.
    /// </summary>
    /// <param name="live">Sequences that are not finished, in the order in which they came.</param>
    /// <param name="roomForDrafts">Pages that drafts may take beyond those that the sequences' own tokens need.</param>
    public StepRecord Run(IReadOnlyList<Sequence> live, long roomForDrafts = long.MaxValue)
    {
        if (live.Count == 0)
        {
            return default;
        }

        using CacheTransaction transaction = new(_enlisted);
        long start = Stopwatch.GetTimestamp();
        long runtime = _stages.RuntimeTicks;

        _rounds.Gather(live, _stages.MaxRows, roomForDrafts, transaction);
        _policies.Plan(_rounds, _rounds.PromptRows);
        int draftRows = _drafter.Run(_rounds, _policies);
        _rounds.RemoveCancelled();
        _policies.RemoveCancelled();
        long drafted = Stopwatch.GetTimestamp();
        int verifyRows = _rounds.Count == 0 ? 0 : _verifier.Run(_rounds);
        long verified = Stopwatch.GetTimestamp();
        Commit(transaction);

        TimeSpan draftTime = Stopwatch.GetElapsedTime(start, drafted);
        TimeSpan verifyTime = Stopwatch.GetElapsedTime(drafted, verified);
        _policies.Observe(_rounds, draftTime, verifyTime, verifyRows);
        (int newTokens, int uncovered) = Append(draftTime / Math.Max(draftRows, 1), verifyTime / Math.Max(verifyRows, 1));
        return new StepRecord
        {
            Sequences = _rounds.Count,
            PromptRows = _rounds.PromptRows,
            DraftRows = draftRows,
            DraftPasses = _drafter.Passes,
            VerifyRows = verifyRows,
            OutputTokens = newTokens,
            UncoveredTokens = uncovered,
            FailedPasses = _drafter.FailedPasses,
            DraftTime = draftTime,
            VerifyTime = verifyTime,
            Time = Stopwatch.GetElapsedTime(start),
            RuntimeTime = Stopwatch.GetElapsedTime(runtime, _stages.RuntimeTicks),
        };
    }

    // What acceptance has left of each draft stays in the caches.
    private void Commit(CacheTransaction transaction)
    {
        for (int i = 0; i < _rounds.Count; i++)
        {
            transaction.Keep(_rounds[i].CachePlace, _rounds[i].KeptLength);
        }

        transaction.Commit();
    }

    private (int Tokens, int Uncovered) Append(TimeSpan draftTimePerRow, TimeSpan verifyTimePerRow)
    {
        int tokens = 0;
        int uncovered = 0;
        for (int i = 0; i < _rounds.Count; i++)
        {
            Round round = _rounds[i];
            if (round.Sequence.Drafting is not null && round.Sequence.WritesFirstToken)
            {
                // With what was found in other texts' pages and not read.
                int from = round.CommittedLength == round.Sequence.CachedPromptTokens ? 0 : round.CommittedLength;
                _draftVocabulary.SeePrompt(round.Sequence.Known.Span[from..(round.CommittedLength + round.PendingLength)]);
            }

            if (round.Error is { } error)
            {
                round.Sequence.Fail(error);
            }
            else if (round.Appended > 0)
            {
                if (round.Sequence.Drafting is not null)
                {
                    uncovered += _draftVocabulary.SeeOutput(round.Output);
                }

                round.Sequence.Append(round.Output, round.Record(draftTimePerRow, verifyTimePerRow));
                tokens += round.Appended;
            }
        }

        return (tokens, uncovered);
    }
}
