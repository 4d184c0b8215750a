using System.Globalization;
using SpecDecode.Peers.Engines;
using SpecDecode.Peers.Exports;

namespace SpecDecode.Peers;

/// <summary>
/// Measures all engines in turns, A B C A B C, so that whatever else the machine does meets all of them; ratios are taken within a round. Before that
/// each is started as often, in turns too, and ended again when it has written two tokens.
/// </summary>
internal sealed class Measurement
{
    // Unmeasured turns before the others: until then methods are compiled once more, with what their first runs told.
    private const int WarmUps = 2;

    // In float32 all compute the same, up to the last bits; texts that part before this many tokens are hardly near-ties.
    private const int LeastInCommon = 16;

    // Before each turn: threads of the engine before it go on looking for work for a while.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>The checkpoint's folder.</summary>
    public required string Model { get; init; }

    /// <summary>What weights are rounded to, one measurement each.</summary>
    public required IReadOnlyList<Precision> Precisions { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Turns of each engine.</summary>
    public required int Rounds { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>New tokens of each text.</summary>
    public required int Tokens { get; init; }

    /// <summary>Where exports are kept.</summary>
    public required string Work { get; init; }

    /// <summary>The command specdecode; null where it is not built.</summary>
    public required string? Tool { get; init; }

    /// <summary>Measures and prints.</summary>
    /// <exception cref="SpecDecodeException">The model cannot be given to all engines, or one of them failed.</exception>
    public void Run()
    {
        ExportFolder exports = new(Work, Model);
        if (PromptTokens + Tokens > exports.Context)
        {
            throw new SpecDecodeException(
                $"--prompt-tokens and --tokens are {PromptTokens + Tokens} together, more than the {exports.Context} positions of {Model}: give fewer.");
        }

        int[] prompt = Prompts.Of(Model, exports.Vocabulary, PromptTokens);
        Print($"{Machine.Describe()}");
        Print($"{Model}: {Threads} threads, prompt of {PromptTokens} tokens, {Tokens} new ones, {Rounds} rounds; smallest / median / largest");
        if (Tool is null)
        {
            Print($"specdecode generate is not measured: build src/SpecDecode.Tool (Release), or give --specdecode.");
        }

        EngineText exact;
        using (EngineProcess reference = EngineProcess.Start(Settings(exports, EngineName.SpecDecode, Precision.Fp32, prompt)))
        {
            exact = reference.FirstText;
        }

        foreach (Precision precision in Precisions)
        {
            Measure([.. Engines(precision).Select(engine => Settings(exports, engine, precision, prompt))], exact);
        }
    }

    private void Measure(EngineSettings[] engines, EngineText exact)
    {
        // Once unmeasured, so that files are in memory and weights are prepared.
        Starts(engines);
        TimeSpan[][] starts = [.. Enumerable.Range(0, Rounds).Select(_ => Starts(engines))];

        List<EngineProcess> processes = [];
        EngineText[][] rounds;
        try
        {
            foreach (EngineSettings settings in engines)
            {
                processes.Add(EngineProcess.Start(settings));
            }

            rounds = [.. Enumerable.Range(0, WarmUps + Rounds).Select(_ => processes.Select(Turn).ToArray()).Skip(WarmUps)];
        }
        finally
        {
            processes.ForEach(process => process.Dispose());
        }

        Print($"");
        Print($"{engines[0].Precision.ToString().ToLowerInvariant()}");
        for (int i = 0; i < engines.Length; i++)
        {
            int engine = i;
            Figures speed = new(rounds.Select(round => round[engine].TokensPerSecond));
            Figures ratio = new(rounds.Select(round => round[0].TokensPerSecond / round[engine].TokensPerSecond));
            Figures start = new(starts.Select(round => round[engine].TotalSeconds));
            EngineText text = rounds[0][engine];
            Print($"  {processes[engine].About}");
            Print($"    tokens/s {speed.ToString(1)}{(engine == 0 ? "" : $"; SpecDecode's over these {ratio.ToString(2)}")}");
            Print($"    start to second token {start.ToString(2)} s");
            Print($"    first {text.InCommon(rounds[0][0])} of {Tokens} tokens as SpecDecode's, first {text.InCommon(exact)} as SpecDecode's in fp32");
            if (engines[engine].Precision == Precision.Fp32 && text.InCommon(exact) < Math.Min(LeastInCommon, Tokens))
            {
                Print($"    That is too few for the same weights: find out why before you believe these figures.");
            }
        }

        if (Tool is not null)
        {
            Print($"  specdecode generate");
            Print($"    start to second token {new Figures(starts.Select(round => round[^1].TotalSeconds)).ToString(2)} s");
        }
    }

    private static EngineText Turn(EngineProcess process)
    {
        Thread.Sleep(Pause);
        return process.Write();
    }

    // From the start of a process to its second token, for each engine and for the command.
    private TimeSpan[] Starts(EngineSettings[] engines)
    {
        List<TimeSpan> starts = [];
        foreach (EngineSettings settings in engines)
        {
            using EngineProcess process = EngineProcess.Start(settings with { Tokens = 2 });
            starts.Add(process.SecondToken);
        }

        if (Tool is not null)
        {
            starts.Add(new ToolProcess(Tool).SecondToken(engines[0]));
        }

        return [.. starts];
    }

    // ONNX Runtime's operators take floats of 32 bits and quantised weights on the CPU.
    private static EngineName[] Engines(Precision precision) =>
        precision is Precision.Fp32 or Precision.Int8 or Precision.Int4 ? [EngineName.SpecDecode, EngineName.LlamaCpp, EngineName.GenAi] : [EngineName.SpecDecode, EngineName.LlamaCpp];

    private EngineSettings Settings(ExportFolder exports, EngineName engine, Precision precision, int[] prompt) => new()
    {
        Engine = engine,
        Model = engine switch
        {
            EngineName.SpecDecode => Model,
            EngineName.LlamaCpp => exports.Gguf(precision),
            EngineName.GenAi => exports.GenAi(precision),
            _ => throw new ArgumentOutOfRangeException(nameof(engine), engine, "An engine that is not known."),
        },
        CacheFolder = exports.Prepared,
        Precision = precision,
        Threads = Threads,
        Vocabulary = exports.Vocabulary,
        Prompt = prompt,
        Tokens = Tokens,
    };

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
