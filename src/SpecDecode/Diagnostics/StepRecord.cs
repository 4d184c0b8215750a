namespace SpecDecode.Diagnostics;

/// <summary>What one step of the engine did for all sequences together.</summary>
public readonly record struct StepRecord
{
    /// <summary>Rows of prompts that were read.</summary>
    public required int PromptRows { get; init; }

    /// <summary>Rows of draft passes: one for each draft token.</summary>
    public required int DraftRows { get; init; }

    /// <summary>Rows of the verifying pass at full depth, those of prompts included.</summary>
    public required int VerifyRows { get; init; }

    /// <summary>Tokens that became output.</summary>
    public required int NewTokens { get; init; }

    /// <summary>Time of the draft passes.</summary>
    public required TimeSpan DraftTime { get; init; }

    /// <summary>Time of the verifying pass, its head included.</summary>
    public required TimeSpan VerifyTime { get; init; }

    /// <summary>Time of the whole step.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>Time spent inside calls of the runtime that computes the stages; part of <see cref="Time"/>.</summary>
    public required TimeSpan RuntimeTime { get; init; }
}
