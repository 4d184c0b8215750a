using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace SpecDecode.Tool.Watch;

/// <summary><c>specdecode watch</c>: what a running service does, from its endpoint for Prometheus.</summary>
internal static class WatchCommand
{
    private const float DefaultInterval = 2;
    private const float LeastInterval = 0.5f;
    private const float MostInterval = 3600;

    // A page of a thousand models is smaller.
    private const int MostBytes = 32 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The command.</summary>
    public static Command Create(TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        Command command = new("watch", "Show what a running service does and whether drafting pays, from its endpoint for Prometheus; in a terminal live, elsewhere a line each time.");
        Option<string> url = new("--url") { Description = "The endpoint, such as http://127.0.0.1:5080/metrics; without a path, /metrics is taken.", HelpName = "URL", Required = true };
        Option<string?> model = new("--model") { Description = "Show one model alone, by its name in the metrics.", HelpName = "NAME" };
        Option<float?> interval = NumberOption.Real(
            "--interval", "SECONDS", $"Time between two looks; by default {DefaultInterval}.", number => number is >= LeastInterval and <= MostInterval, FormattableString.Invariant($"{LeastInterval} to {MostInterval} seconds"));
        Option<int?> count = NumberOption.Optional("--count", "N", "End after so many looks; by default it goes on until Ctrl+C.");
        command.Options.Add(url);
        command.Options.Add(model);
        command.Options.Add(interval);
        command.Options.Add(count);
        command.SetAction(arguments =>
        {
            Uri address = Address(arguments.GetValue(url)!);
            TimeSpan pause = TimeSpan.FromSeconds(arguments.GetValue(interval) ?? DefaultInterval);
            using HttpClient client = new() { Timeout = Patience, MaxResponseContentBufferSize = MostBytes };
            Watching watching = new(client, address, arguments.GetValue(model), arguments.GetValue(count) ?? int.MaxValue, pause);

            // The program's own output is a stream's; whoever calls the command in process gives another writer.
            bool isTerminal = output is StreamWriter && !Console.IsOutputRedirected;
            return isTerminal ? watching.Live(AnsiConsole.Create(new AnsiConsoleSettings()), cancellationToken) : watching.Lines(output, error, cancellationToken);
        });
        return command;
    }

    private static Uri Address(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new SpecDecodeException($"--url is '{MetricsPage.Shown(text)}', which is no address: give one such as http://127.0.0.1:5080/metrics.");
        }

        return address.AbsolutePath == "/" ? new Uri(address, "/metrics") : address;
    }

    /// <summary>Looks at an endpoint again and again. That it cannot be read at first ends it; later it is shown, and looked at again.</summary>
    private sealed class Watching(HttpClient client, Uri address, string? model, int count, TimeSpan interval)
    {
        private MetricsPage? _before;
        private MetricsPage? _now;
        private long _time;
        private TimeSpan _elapsed;

        public int Live(IAnsiConsole console, CancellationToken cancellationToken)
        {
            Look(cancellationToken);
            string title = $"{address}, every {interval.TotalSeconds:0.#} s, Ctrl+C ends it";
            console.Live(WatchView.Table(Figures(), title, null)).Start(context =>
            {
                for (int i = 1; i < count && Wait(cancellationToken); i++)
                {
                    string? problem = TryLook(cancellationToken);
                    context.UpdateTarget(WatchView.Table(Figures(), title, problem));
                }
            });
            return CommandLine.Success;
        }

        public int Lines(TextWriter output, TextWriter error, CancellationToken cancellationToken)
        {
            Look(cancellationToken);
            Write(output);
            for (int i = 1; i < count && Wait(cancellationToken); i++)
            {
                if (TryLook(cancellationToken) is { } problem)
                {
                    error.WriteLine($"specdecode: {problem}");
                }
                else
                {
                    Write(output);
                }
            }

            return CommandLine.Success;
        }

        private void Write(TextWriter output)
        {
            foreach (WatchFigures figures in Figures())
            {
                output.WriteLine(WatchView.Line(figures, DateTimeOffset.Now));
            }

            output.Flush();
        }

        private bool Wait(CancellationToken cancellationToken) => !cancellationToken.WaitHandle.WaitOne(interval);

        private string? TryLook(CancellationToken cancellationToken)
        {
            try
            {
                Look(cancellationToken);
                return null;
            }
            catch (SpecDecodeException problem)
            {
                return problem.Message;
            }
        }

        private void Look(CancellationToken cancellationToken)
        {
            MetricsPage page = MetricsPage.Read(Fetch(cancellationToken), address);
            long time = Stopwatch.GetTimestamp();
            IReadOnlyList<string> models = WatchFigures.Models(page);
            if (models.Count == 0)
            {
                throw new SpecDecodeException($"{address} has no metrics of SpecDecode: ask a service that adds its instrumentation to the meter provider (docs/telemetry.md), once a model is there.");
            }

            if (model is not null && !models.Contains(model))
            {
                throw new SpecDecodeException($"{address} has no model '{MetricsPage.Shown(model)}': it has {string.Join(", ", models.Select(MetricsPage.Shown))}.");
            }

            (_before, _now) = (_now, page);
            _elapsed = Stopwatch.GetElapsedTime(_time, time);
            _time = time;
        }

        private string Fetch(CancellationToken cancellationToken)
        {
            try
            {
                using HttpRequestMessage request = new(HttpMethod.Get, address);
                using HttpResponseMessage response = client.Send(request, cancellationToken);
                if (!response.IsSuccessStatusCode)
                {
                    throw new SpecDecodeException($"{address} answers {(int)response.StatusCode}: give the address of an endpoint for Prometheus, such as http://127.0.0.1:5080/metrics.");
                }

                using StreamReader reader = new(response.Content.ReadAsStream(cancellationToken));
                return reader.ReadToEnd();
            }
            catch (HttpRequestException failure)
            {
                throw new SpecDecodeException($"{address} cannot be read ({failure.Message.TrimEnd('.')}): start the service, or give its address.", failure);
            }
            catch (TaskCanceledException failure) when (!cancellationToken.IsCancellationRequested)
            {
                throw new SpecDecodeException($"{address} has not answered for {Patience.TotalSeconds:0} seconds.", failure);
            }
        }

        private List<WatchFigures> Figures() =>
            [.. WatchFigures.Models(_now!).Where(name => model is null || name == model).Select(name => new WatchFigures(_now!, _before, name, _elapsed))];
    }
}
