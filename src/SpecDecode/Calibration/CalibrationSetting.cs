using SpecDecode.Scheduling;
using SpecDecode.Stages;

namespace SpecDecode.Calibration;

/// <summary>What is calibrated, and on what.</summary>
/// <param name="Stages">The model.</param>
/// <param name="Scheduler">The model's own, which is idle: what it keeps about the model's texts belongs to the model.</param>
/// <param name="Prompts">The prompts, token ids that it has, each short enough for some new tokens. The even ones, from 0, are searched on, the others held out.</param>
/// <param name="EndOfSequence">Ids that end a text.</param>
/// <param name="KvBytes">Most bytes that caches may take together.</param>
/// <param name="Key">Names the model, the prompts and the options that decide what is found.</param>
/// <param name="Options">How.</param>
internal sealed record CalibrationSetting(
    IStages Stages, Scheduler Scheduler, IReadOnlyList<int[]> Prompts, IReadOnlySet<int> EndOfSequence, long KvBytes, string Key, CalibrationOptions Options)
{
    /// <summary>Positions that a prompt's text may have.</summary>
    public int Capacity(int prompt) => Math.Min(Stages.MaxSequenceLength, Prompts[prompt].Length + Options.MaxTokens);
}
