using SpecDecode.Drafting;
using SpecDecode.Sampling;

namespace SpecDecode.Tests.Drafting;

/// <summary>A text in a simulation.</summary>
internal sealed class SimulatedText
{
    private readonly int[] _tokens;

    public SimulatedText(SequenceDrafting drafting, int capacity, Func<int, int> token)
    {
        Drafting = drafting;
        _tokens = [.. Enumerable.Range(0, capacity + 100).Select(token)];
        Capacity = capacity;
    }

    public SequenceDrafting Drafting { get; }

    public SequenceDraft Draft { get; } = new();

    public int Capacity { get; }

    /// <summary>Prompt and output so far.</summary>
    public int Length { get; set; } = 10;

    public ReadOnlyMemory<int> Known => _tokens.AsMemory(0, Length);

    public int Token(int position) => _tokens[position];

    public long Drafted { get; set; }

    public long Accepted { get; set; }

    /// <summary>How often each reason was given.</summary>
    public int[] Reasons { get; } = new int[Enum.GetValues<DraftReason>().Length];
}

/// <summary>
/// Steps of an engine without an engine: the policy is asked as the engine asks it, and chances and times are scripted. Times are seconds.
/// </summary>
internal sealed class DraftingSimulation(IDraftPolicy policy, int seed)
{
    private readonly DraftStep _step = (DraftStep)Activator.CreateInstance(typeof(DraftStep), nonPublic: true)!;
    private readonly Random _random = new(seed);

    public List<SimulatedText> Texts { get; } = [];

    /// <summary>What the drafter says of its next token, and the chance that it is right.</summary>
    public Func<DraftPlan, (float Confidence, double Chance)> Next { get; set; } = _ => (0.9f, 0.9);

    /// <summary>The same for a text's next draft token; null where all are alike.</summary>
    public Func<DraftPlan, SimulatedText, (float Confidence, double Chance)>? NextAt { get; set; }

    /// <summary>A pass of the whole model by its rows.</summary>
    public Func<double, double> Pass { get; set; } = rows => 0.020 * (1 + 0.06 * (rows - 1));

    /// <summary>What a pass of the drafter takes of one of the whole model.</summary>
    public Func<DraftPlan, double> Share { get; set; } = plan => plan.Plan.Blocks.Length / 32.0 * (plan.UsesDraftWeights ? 0.5 : 1);

    /// <summary>What the policy is told of a time.</summary>
    public Func<double, double> Told { get; set; } = seconds => seconds;

    /// <summary>The plan that a pass is told with, for the one that it ran.</summary>
    public Func<DraftPlan, DraftPlan> Stand { get; set; } = plan => plan;

    /// <summary>Passes that each plan ran.</summary>
    public Dictionary<DraftPlan, int> Passes { get; } = [];

    public double Seconds { get; private set; }

    public long Tokens { get; private set; }

    public long Steps { get; private set; }

    /// <summary>What plain decoding would have taken for the same tokens.</summary>
    public double PlainSeconds { get; private set; }

    /// <summary>Bytes that the policy's own methods allocated.</summary>
    public long Allocated { get; private set; }

    /// <summary>Time over that of plain decoding, and begins to count anew.</summary>
    public double Overhead()
    {
        double overhead = Seconds / PlainSeconds - 1;
        Seconds = PlainSeconds = Tokens = Steps = 0;
        Texts.ForEach(text => (text.Drafted, text.Accepted) = (0, 0));
        Texts.ForEach(text => Array.Clear(text.Reasons));
        return overhead;
    }

    /// <summary>Steps until so many tokens were written.</summary>
    public DraftingSimulation Write(long tokens)
    {
        for (long end = Tokens + tokens; Tokens < end;)
        {
            Step();
        }

        return this;
    }

    public void Step()
    {
        Steps++;
        _step.Begin(policy, Texts.Count, Texts.Count, 0);
        foreach (SimulatedText text in Texts)
        {
            text.Draft.Begin(text.Drafting, text.Known, 10, text.Capacity, AcceptanceRule.Greedy, static _ => false);
            text.Draft.Admit(Math.Min(text.Drafting.MaxLength, text.Capacity - text.Length), 1 << 20);
            _step.Add(text.Draft);
        }

        Count(() => policy.Plan(_step));
        double draftTime = RunDrafter(out double toldDraftTime);
        Judge(draftTime, toldDraftTime);
    }

    private double RunDrafter(out double told)
    {
        double time = 0;
        told = 0;
        while (Texts.Find(text => text.Draft.WantsToken)?.Draft.Plan is { } plan)
        {
            int rows = 0;
            int drafts = 0;
            foreach (SimulatedText text in Texts)
            {
                SequenceDraft draft = text.Draft;
                draft.BeginPass();
                if (draft.WantsToken && draft.Plan == plan)
                {
                    drafts++;
                    rows += draft.TokensFrom(draft.RowsRun).Length;
                    (float confidence, double chance) = NextAt?.Invoke(plan, text) ?? Next(plan);
                    bool isRight = _random.NextDouble() < chance;
                    draft.Add(text.Token(text.Length + draft.Length) + (isRight ? 0 : 1), draft.ReadsConfidence ? confidence : 0);
                }
            }

            Passes[plan] = Passes.GetValueOrDefault(plan) + 1;
            double pass = Share(plan) * Pass(rows);
            double toldPass = Told(pass);
            time += pass;
            told += toldPass;
            DraftPass done = new(Stand(plan), rows, Time(toldPass)) { Drafts = drafts };
            Count(() => policy.AfterPass(_step, done));
        }

        return time;
    }

    private void Judge(double draftTime, double toldDraftTime)
    {
        int rows = Texts.Count;
        int entered = Texts.Count;
        double exact = 0;
        foreach (SimulatedText text in Texts)
        {
            SequenceDraft draft = text.Draft;
            int accepted = 0;
            while (accepted < draft.Length && draft.Draft[accepted] == text.Token(text.Length + accepted))
            {
                accepted++;
            }

            rows += draft.Length;
            bool isKept = draft.RowsRun > 0 && !draft.Plan!.UsesDraftWeights;
            exact = isKept ? draft.Plan!.Plan.ExactDepth / 32.0 : exact;
            entered += isKept ? 0 : draft.Length;
            draft.Judge(Math.Min(accepted + 1, draft.Length), accepted, accepted + 1);
            text.Reasons[(int)draft.Reason]++;
            text.Drafted += draft.Length;
            text.Accepted += accepted;
            text.Length += accepted + 1;
            Tokens += accepted + 1;
            PlainSeconds += Pass(Texts.Count) / Texts.Count * (accepted + 1);
        }

        double verifyTime = exact * Pass(entered) + (1 - exact) * Pass(rows);
        Seconds += draftTime + verifyTime;
        _step.End(Time(toldDraftTime), Time(Told(verifyTime)), rows);
        Count(() => policy.Observe(_step));
    }

    private static TimeSpan Time(double seconds) => TimeSpan.FromTicks((long)Math.Clamp(seconds * TimeSpan.TicksPerSecond, long.MinValue, long.MaxValue / 4));

    private void Count(Action call)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        call();
        Allocated += GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
