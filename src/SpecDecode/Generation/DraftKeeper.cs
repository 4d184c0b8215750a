using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Models;

namespace SpecDecode.Generation;

/// <summary>
/// Keeps what a model's policy has learnt: takes what there is at the start, and has it written when the engine rests and when it ends. For the
/// thread that runs the steps, between them.
/// </summary>
/// <param name="policy">The policy.</param>
/// <param name="memory">Where it is kept.</param>
/// <param name="interval">Least time between one writing and the next while the engine goes on; null for three minutes.</param>
internal sealed class DraftKeeper(AutoDraftPolicy policy, DraftMemory memory, TimeSpan? interval = null)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(3);

    private readonly TimeSpan _interval = interval ?? Interval;
    private long _keptSteps = policy.Steps;
    private long _keptAt = Stopwatch.GetTimestamp();

    /// <summary>How long the engine may rest before <see cref="Rest"/> is to be called again.</summary>
    public TimeSpan UntilDue
    {
        get
        {
            if (policy.Steps == _keptSteps)
            {
                return Timeout.InfiniteTimeSpan;
            }

            TimeSpan left = _interval - Stopwatch.GetElapsedTime(_keptAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Takes what an earlier process has learnt, in place of what warming up has taught.</summary>
    public void Restore()
    {
        policy.TryRestore(memory.Learnt);
        _keptSteps = policy.Steps;
    }

    /// <summary>The engine has nobody to serve: has written what is new, where some time has passed since the last writing.</summary>
    public void Rest()
    {
        if (UntilDue == TimeSpan.Zero)
        {
            Keep();
        }
    }

    /// <summary>The engine has ended: has written what is new, and waits for that.</summary>
    public void End()
    {
        if (policy.Steps != _keptSteps)
        {
            Keep();
        }

        memory.Flush();
    }

    private void Keep()
    {
        _keptSteps = policy.Steps;
        _keptAt = Stopwatch.GetTimestamp();
        memory.Keep(policy.Snapshot());
    }
}
