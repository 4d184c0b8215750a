using System.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Scheduling;

namespace SpecDecode.Tool.Bench;

/// <summary>
/// All prompts once, so many at a time, and what it took. Steps that read a prompt count as prefill, the others as
/// decoding; a step's time runs from the end of the one before, so that nothing between them is left out. Of decoding those steps count in which
/// as many texts are written as may be at a time: what is left over at the end, when nobody waits any more, is no service's load.
/// </summary>
/// <param name="fullSequences">Texts that are written in a step that counts.</param>
internal sealed class BenchRun(int fullSequences)
{
    private readonly List<IReadOnlyList<int>> _outputs = [];
    private long _last;
    private long _lastBytes;

    /// <summary>The new tokens of each prompt.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Outputs => _outputs;

    /// <summary>New tokens of the decoding steps.</summary>
    public long Tokens { get; private set; }

    /// <summary>Those of them that drafts could not have had.</summary>
    public long UncoveredTokens { get; private set; }

    /// <summary>Time of the decoding steps.</summary>
    public TimeSpan DecodeTime { get; private set; }

    /// <summary>Time of the decoding steps inside the runtime.</summary>
    public TimeSpan RuntimeTime { get; private set; }

    /// <summary>Time of the decoding steps' draft passes.</summary>
    public TimeSpan DraftTime { get; private set; }

    /// <summary>Time of the decoding steps' verifying passes.</summary>
    public TimeSpan VerifyTime { get; private set; }

    /// <summary>Managed bytes that the decoding steps allocated.</summary>
    public long ManagedBytes { get; private set; }

    /// <summary>Rows of prompts.</summary>
    public long PromptTokens { get; private set; }

    /// <summary>Time of the steps that read prompts.</summary>
    public TimeSpan PrefillTime { get; private set; }

    /// <summary>The sums of the texts' rounds.</summary>
    public List<DraftingStatistics> Rounds { get; } = [];

    public double TokensPerSecond => Tokens / DecodeTime.TotalSeconds;

    public double PrefillTokensPerSecond => PromptTokens / PrefillTime.TotalSeconds;

    /// <summary>Answers some prompts at the same time and adds what that took.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="request">What else is asked for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public void Add(TextModel model, IReadOnlyList<string> prompts, GenerationRequest request, CancellationToken cancellationToken)
    {
        GenerationRequest[] requests = [.. prompts.Select(prompt => request with { Prompt = prompt })];
        _last = Stopwatch.GetTimestamp();
        _lastBytes = GC.GetAllocatedBytesForCurrentThread();
        foreach (GenerationResult result in model.Generate(requests, null, Add, cancellationToken))
        {
            if (result.Error is { } error)
            {
                throw error as SpecDecodeException ?? new SpecDecodeException($"The model failed: {error.Message.Trim()}", error);
            }

            _outputs.Add(result.Tokens);
            Rounds.Add(result.Drafting);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Add(StepRecord step)
    {
        long now = Stopwatch.GetTimestamp();
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan time = Stopwatch.GetElapsedTime(_last, now);
        if (step.PromptRows > 0)
        {
            PromptTokens += step.PromptRows;
            PrefillTime += time;
        }
        else if (step.Sequences >= fullSequences)
        {
            Tokens += step.OutputTokens;
            UncoveredTokens += step.UncoveredTokens;
            DecodeTime += time;
            RuntimeTime += step.RuntimeTime;
            DraftTime += step.DraftTime;
            VerifyTime += step.VerifyTime;
            ManagedBytes += bytes - _lastBytes;
        }

        (_last, _lastBytes) = (now, bytes);
    }
}
