using System.CommandLine;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Benchmarks;

/// <summary>
/// What telemetry costs of throughput, in two ways. By short slices of work that follow each other, with an engine that tells nobody, one with metrics that nobody listens to,
/// one with OpenTelemetry's metrics, exemplars and spans, which are collected once a second or so, and the last with an event for each round; ratios are of slices of the same round. And by
/// the clock around telemetry's own code, over the time of the engine: far smaller shares can be told so than any comparison of slices can.
/// </summary>
internal static class TelemetryBenchmark
{
    private const int NewTokens = 24;
    private const int Repetitions = 2000;

    // A slice takes a sixth of a second or so, and a collector comes once a second.
    private const int SlicesOfSecond = 6;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line." };
        Option<int> rounds = new("--rounds") { DefaultValueFactory = _ => 150, Description = "Slices of each." };
        Command command = new("telemetry", "What telemetry costs of throughput.") { model, prompts, rounds };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, File.ReadAllLines(arguments.GetValue(prompts)!), arguments.GetValue(rounds)));
        return command;
    }

    private static void Run(string folder, string[] prompts, int rounds)
    {
        using ServiceProvider unheard = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using ServiceProvider heard = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using TelemetryListening listening = new(heard.GetRequiredService<IMeterFactory>());
        TimedObserver Timed(ServiceProvider services, string name, bool hasEvents) =>
            new(new SpecDecodeMetrics(services.GetRequiredService<IMeterFactory>(), name, () => null, () => null, EngineLoop.Refusals), hasEvents);
        Way[] ways =
        [
            Way.Of(folder, "tells nobody", null, isHeard: false),
            Way.Of(folder, "metrics, no listener", Timed(unheard, "unheard", hasEvents: false), isHeard: false),
            Way.Of(folder, "everything on", Timed(heard, "heard", hasEvents: false), isHeard: true),
            Way.Of(folder, "everything on, event per round", Timed(heard, "events", hasEvents: true), isHeard: true),
        ];

        // The first are for code that is still being compiled.
        double[,] wall = new double[ways.Length, rounds];
        double[,] processor = new double[ways.Length, rounds];
        (TimeSpan Own, TimeSpan Engine, long Steps)[] before = [];
        TimeSpan collecting = default;
        int collections = 0;
        using Process process = Process.GetCurrentProcess();
        for (int round = -5; round < rounds; round++)
        {
            before = round == 0 ? [.. ways.Select(way => way.Spent)] : before;
            for (int turn = 0; turn < ways.Length; turn++)
            {
                int way = (turn + Math.Max(0, round)) % ways.Length;
                listening.HearsSpans = ways[way].IsHeard;
                process.Refresh();
                TimeSpan used = process.TotalProcessorTime;
                long start = Stopwatch.GetTimestamp();
                Task.WaitAll(prompts.Select(prompt => ways[way].Model.Generator.CompleteAsync(
                    new GenerationRequest { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = DraftingOptions.EarlyExit(2) })));
                if (ways[way].IsHeard && round % SlicesOfSecond == 0)
                {
                    long begun = Stopwatch.GetTimestamp();
                    listening.Collect();
                    collecting += Stopwatch.GetElapsedTime(begun);
                    collections++;
                }

                if (round < 0)
                {
                    continue;
                }

                wall[way, round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                process.Refresh();
                processor[way, round] = (process.TotalProcessorTime - used).TotalSeconds;
            }
        }

        Console.WriteLine($"{prompts.Length} texts of {NewTokens} tokens at a time, {rounds} slices of each; medians of ratios to the slice of the same round that tells nobody, and the interval of 95 % of resamples");
        Console.WriteLine();
        Console.WriteLine("| | ms | time, ratio | processor time, ratio | µs a step in telemetry's code | of the engine's time |");
        Console.WriteLine("|---|---|---|---|---|---|");
        for (int way = 0; way < ways.Length; way++)
        {
            (double Median, double Low, double High) Ratio(double[,] times) => Bootstrap.Median([.. Enumerable.Range(0, rounds).Select(round => times[way, round] / times[0, round])]);
            var (time, used) = (Ratio(wall), Ratio(processor));
            (TimeSpan own, TimeSpan engine, long steps) = ways[way].Spent;
            (own, engine, steps) = (own - before[way].Own, engine - before[way].Engine, steps - before[way].Steps);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {ways[way].Name} | {1000 * Enumerable.Range(0, rounds).Select(round => wall[way, round]).Order().ElementAt(rounds / 2):f0} | {time.Median:f3} ({time.Low:f3}–{time.High:f3}) | {used.Median:f3} ({used.Low:f3}–{used.High:f3}) | {(steps == 0 ? 0 : own.TotalMicroseconds / steps):f2} | {own / engine:p3} |"));
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"a collection of all instruments takes {collecting.TotalMicroseconds / collections:f0} µs: once a second {collecting / collections / TimeSpan.FromSeconds(1):p3} of a processor; a request's spans take {Spans(listening, ways[2].Observer!.Ended!):f1} µs"));
        Array.ForEach(ways, way => way.Model.DisposeAsync().AsTask().Wait());
    }

    // From the beginning of a request's span to its end, with those of its phases; the processor's cache knows all of it.
    private static double Spans(TelemetryListening listening, Sequence sequence)
    {
        listening.HearsSpans = true;
        long start = 0;
        for (int i = -Repetitions; i < Repetitions; i++)
        {
            start = i == 0 ? Stopwatch.GetTimestamp() : start;
            using Activity? span = RequestActivity.Start("measured", Precision.Fp32, null, Another(sequence));
            RequestActivity.Stop(span, sequence);
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / Repetitions;
    }

    // Of each request there is one span.
    private static Sequence Another(Sequence sequence) => new(sequence.Prompt.ToArray(), sequence.Capacity - sequence.PromptLength, new HashSet<int>(), null, sequence.Drafting);

    private sealed record Way(string Name, ServedModel Model, TimedObserver? Observer, bool IsHeard)
    {
        /// <summary>Time of telemetry's own code on the engine's thread, time of the engine, and steps.</summary>
        public (TimeSpan Own, TimeSpan Engine, long Steps) Spent =>
            (Observer?.Time ?? default, Model.Generator.Loop.Times is var times ? times.Step + times.Publish : default, Observer?.Steps ?? 0);

        public static Way Of(string folder, string name, TimedObserver? observer, bool isHeard)
        {
            RuntimeOptions runtime = new() { Threads = 1, MaxSequences = 16 };
            LoadedModel loaded = ModelLoader.Load(folder, new ModelOptions(), runtime, _ => { }, null, CancellationToken.None);
            return new Way(
                name, ServedModel.Start(loaded, "measured", new SchedulerLimits(16, 1L << 30, 256), 256, new GenerationDefaults { Drafting = DraftingOptions.None }, observer ?? (IEngineObserver)new Nobody()), observer, isHeard);
        }
    }

    private sealed class Nobody : IEngineObserver
    {
        public void OnStep(in StepRecord step)
        {
        }

        public void OnRound(in RoundRecord round)
        {
        }

        public void OnEnded(Sequence sequence)
        {
        }

        public void OnPassFailed(Exception error)
        {
        }
    }
}
