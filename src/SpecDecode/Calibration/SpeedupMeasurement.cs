using SpecDecode.Drafting;
using SpecDecode.Sequences;

namespace SpecDecode.Calibration;

/// <summary>
/// Real texts with several plans and plainly, in turn: a text is written by all before the next one's turn, so that whatever slows the machine
/// slows all alike.
/// </summary>
/// <param name="setting">The model and its prompts.</param>
/// <param name="prompts">The prompts' numbers.</param>
/// <param name="texts">What plain decoding has written for each prompt.</param>
/// <param name="plans">The plans.</param>
internal sealed class SpeedupMeasurement(CalibrationSetting setting, IReadOnlyList<int> prompts, IReadOnlyList<int[]> texts, IReadOnlyList<DraftPlan> plans)
{
    // Way (0 is plain, then the plans) by prompt: seconds of each repetition.
    private readonly List<double>[,] _seconds = new List<double>[plans.Count + 1, prompts.Count];
    private readonly DraftingStatistics[] _statistics = [.. plans.Select(_ => new DraftingStatistics())];
    private readonly bool[] _differs = new bool[plans.Count];

    /// <summary>Texts that were written by all.</summary>
    public int Done { get; private set; }

    /// <summary>Goes through the prompts again and again until told to stop, which is asked after each; the first is always written.</summary>
    /// <param name="repetitions">Most times that a prompt is written.</param>
    /// <param name="goesOn">Whether there is time for another text.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public void Run(int repetitions, Func<bool> goesOn, CancellationToken cancellationToken)
    {
        // What is bound and compiled at the first time is no part of it.
        WriteByAll(0, isWarmUp: true, cancellationToken);
        for (int i = 0; i < repetitions * prompts.Count && (i == 0 || goesOn()); i++)
        {
            WriteByAll(i % prompts.Count, isWarmUp: false, cancellationToken);
            Done++;
        }
    }

    /// <summary>Plain over drafted time: medians over repetitions, summed over the prompts that were written. Null where nothing was.</summary>
    /// <param name="plan">The plan's number.</param>
    public double? Speedup(int plan)
    {
        double plain = 0;
        double drafted = 0;
        for (int prompt = 0; prompt < Math.Min(Done, prompts.Count); prompt++)
        {
            plain += Median(_seconds[0, prompt]);
            drafted += Median(_seconds[plan + 1, prompt]);
        }

        return drafted > 0 ? plain / drafted : null;
    }

    /// <summary>Accepted draft tokens of those that verification came to; null where nothing was drafted.</summary>
    /// <param name="plan">The plan's number.</param>
    public double? Acceptance(int plan) => _statistics[plan].Evaluated > 0 ? (double)_statistics[plan].Accepted / _statistics[plan].Evaluated : null;

    /// <summary>Whether all texts were those of plain decoding.</summary>
    /// <param name="plan">The plan's number.</param>
    public bool SameText(int plan) => !_differs[plan];

    private void WriteByAll(int prompt, bool isWarmUp, CancellationToken cancellationToken)
    {
        double[] seconds = new double[plans.Count + 1];
        Sequence[] written = new Sequence[plans.Count + 1];
        for (int way = 0; way < seconds.Length; way++)
        {
            written[way] = TextWriting.Write(setting, prompts[prompt], way == 0 ? null : plans[way - 1], cancellationToken);
            seconds[way] = written[way].DecodeTime.TotalSeconds;
        }

        if (isWarmUp)
        {
            return;
        }

        for (int way = 0; way < seconds.Length; way++)
        {
            (_seconds[way, prompt] ??= []).Add(seconds[way]);
            if (way > 0)
            {
                _statistics[way - 1].Add(written[way].Statistics);
                _differs[way - 1] |= !written[way].NewTokens.SequenceEqual(texts[prompts[prompt]]);
            }
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
