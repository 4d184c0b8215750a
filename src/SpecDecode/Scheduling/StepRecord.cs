namespace SpecDecode.Scheduling;

/// <summary>What one step of the engine did for all sequences together.</summary>
public readonly record struct StepRecord
{
    /// <summary>Sequences that took part.</summary>
    public required int Sequences { get; init; }

    /// <summary>Rows of prompts that were read, and of texts that were read again (<see cref="Preemptions"/>).</summary>
    public int PromptRows { get; init; }

    /// <summary>Rows of draft passes: one for each draft token.</summary>
    public int DraftRows { get; init; }

    /// <summary>Passes of the drafter in which these rows were run.</summary>
    public int DraftPasses { get; init; }

    /// <summary>Rows of the verifying pass at full depth, those of prompts included.</summary>
    public int VerifyRows { get; init; }

    /// <summary>Tokens that became output.</summary>
    public int OutputTokens { get; init; }

    /// <summary>Those of them that a draft could not have had, since they were not in the draft vocabulary (<see cref="ModelOptions.DraftVocabulary"/>).</summary>
    public int UncoveredTokens { get; init; }

    /// <summary>
    /// Passes that failed. A draft pass that fails ends the drafts in it; a verifying pass that fails leaves its sequences as they
    /// were, to be tried one by one.
    /// </summary>
    public int FailedPasses { get; init; }

    /// <summary>Sequences that gave their memory up before the step, to read their texts again later.</summary>
    public int Preemptions { get; init; }

    /// <summary>Time of the draft passes.</summary>
    public TimeSpan DraftTime { get; init; }

    /// <summary>Time of the verifying pass, its head included.</summary>
    public TimeSpan VerifyTime { get; init; }

    /// <summary>Time of the whole step.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>
    /// Time that plain steps are estimated to take for the same tokens, from plain steps of about as many sequences; the step's own where it had no
    /// drafts. Null where it read a prompt, or while no plain step was measured.
    /// </summary>
    public TimeSpan? PlainTime { get; init; }

    /// <summary>Time spent inside calls of the runtime that computes the stages; part of <see cref="Time"/>.</summary>
    public TimeSpan RuntimeTime { get; init; }

    /// <summary>The step in words.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"{OutputTokens} tokens for {Sequences} sequences in {Time.TotalMilliseconds:f2} ms; rows: {DraftRows} drafted, {VerifyRows} verified, {PromptRows} of prompts");
}
