using System.CommandLine;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using SpecDecode.Diagnostics;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Models;
using SpecDecode.Scheduling;
using SpecDecode.Sequences;

namespace SpecDecode.Benchmarks;

/// <summary>
/// What telemetry costs of throughput: an engine that tells nobody, one with metrics that nobody listens to, and one with OpenTelemetry's metrics, exemplars and spans, which
/// are collected each second; and the last with an event for each round. Turns of each follow each other, and ratios are of neighbours.
/// </summary>
internal static class TelemetryBenchmark
{
    private const int NewTokens = 96;

    public static Command Command()
    {
        Option<string> model = new("--model") { Required = true, Description = "Checkpoint folder." };
        Option<string> prompts = new("--prompts") { Required = true, Description = "A prompt a line." };
        Option<int> rounds = new("--rounds") { DefaultValueFactory = _ => 20, Description = "Turns of each." };
        Command command = new("telemetry", "What telemetry costs of throughput.") { model, prompts, rounds };
        command.SetAction(arguments => Run(arguments.GetValue(model)!, File.ReadAllLines(arguments.GetValue(prompts)!), arguments.GetValue(rounds)));
        return command;
    }

    private static void Run(string folder, string[] prompts, int rounds)
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        Way[] ways =
        [
            new("tells nobody", Serve(folder, new Nobody()), () => null),
            new("metrics, no listener", Serve(folder, Metrics(services)), () => null),
            new("everything on", Serve(folder, Metrics(services)), () => new Listening()),
            new("everything on, event per round", Serve(folder, new Events(Metrics(services))), () => new Listening()),
        ];

        // The first is for code that is still being compiled.
        double[,] wall = new double[ways.Length, rounds];
        double[,] processor = new double[ways.Length, rounds];
        for (int round = -2; round < rounds; round++)
        {
            for (int turn = 0; turn < ways.Length; turn++)
            {
                int way = (turn + Math.Max(0, round)) % ways.Length;
                using IDisposable? listening = ways[way].Listen();
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                long start = Stopwatch.GetTimestamp();
                Task.WaitAll(prompts.Select(prompt => ways[way].Model.Generator.CompleteAsync(
                    new GenerationRequest { Prompt = prompt, MaxTokens = NewTokens, IgnoreEndOfSequence = true, Drafting = DraftingOptions.EarlyExit(2) })));
                if (round >= 0)
                {
                    wall[way, round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    processor[way, round] = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
                }
            }
        }

        Console.WriteLine($"{prompts.Length} texts of {NewTokens} tokens at a time, {rounds} turns of each; medians of ratios to the turn of the same round that tells nobody");
        Console.WriteLine();
        Console.WriteLine("| | ms | time, ratio | processor time, ratio | quartiles of the latter |");
        Console.WriteLine("|---|---|---|---|---|");
        for (int way = 0; way < ways.Length; way++)
        {
            double[] Ratios(double[,] times) => [.. Enumerable.Range(0, rounds).Select(round => times[way, round] / times[0, round]).Order()];
            double[] ratios = Ratios(processor);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {ways[way].Name} | {1000 * Enumerable.Range(0, rounds).Select(round => wall[way, round]).Order().ElementAt(rounds / 2):f0} | {Ratios(wall)[rounds / 2]:f3} | {ratios[rounds / 2]:f3} | {ratios[rounds / 4]:f3}–{ratios[3 * rounds / 4]:f3} |"));
            ways[way].Model.DisposeAsync().AsTask().Wait();
        }
    }

    private static SpecDecodeMetrics Metrics(ServiceProvider services) =>
        new(services.GetRequiredService<IMeterFactory>(), "measured", () => null, () => null, EngineLoop.Refusals);

    private static ServedModel Serve(string folder, IEngineObserver observer)
    {
        RuntimeOptions runtime = new() { Threads = 1, MaxSequences = 16 };
        LoadedModel loaded = ModelLoader.Load(folder, new ModelOptions(), runtime, _ => { }, null, CancellationToken.None);
        return ServedModel.Start(loaded, "measured", new SchedulerLimits(16, 1L << 30, 256), 256, new GenerationDefaults(), observer);
    }

    private sealed record Way(string Name, ServedModel Model, Func<IDisposable?> Listen);

    /// <summary>OpenTelemetry with all there is, and exporters that throw it away.</summary>
    private sealed class Listening : IDisposable
    {
        private readonly MeterProvider _metrics = Sdk.CreateMeterProviderBuilder().AddMeter(SpecDecodeTelemetry.MeterName).SetExemplarFilter(ExemplarFilterType.TraceBased)
            .AddReader(new PeriodicExportingMetricReader(new Away<Metric>(), exportIntervalMilliseconds: 1000)).Build();

        private readonly TracerProvider _traces = Sdk.CreateTracerProviderBuilder().AddSource(SpecDecodeTelemetry.ActivitySourceName)
            .AddProcessor(new BatchActivityExportProcessor(new Away<Activity>())).Build();

        public void Dispose()
        {
            _metrics.Dispose();
            _traces.Dispose();
        }
    }

    private sealed class Away<T> : BaseExporter<T>
        where T : class
    {
        public override ExportResult Export(in Batch<T> batch)
        {
            foreach (T _ in batch)
            {
            }

            return ExportResult.Success;
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

    private sealed class Events(SpecDecodeMetrics metrics) : IEngineObserver
    {
        public void OnStep(in StepRecord step) => metrics.OnStep(step);

        public void OnRound(in RoundRecord round) => metrics.OnRound(round);

        public void OnRoundOf(Sequence sequence) => RequestActivity.AddRound(sequence);

        public void OnEnded(Sequence sequence) => metrics.OnEnded(sequence);

        public void OnPassFailed(Exception error) => metrics.OnPassFailed(error);
    }
}
