using System.Diagnostics;
using System.Globalization;

namespace SpecDecode.Peers.Engines;

/// <summary>A process of its own with one engine in it.</summary>
internal sealed class EngineProcess : IDisposable
{
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly EngineSettings _settings;

    private EngineProcess(Process process, EngineSettings settings)
    {
        _process = process;
        _settings = settings;
    }

    /// <summary>From the start of the process to the second new token of its first text.</summary>
    public TimeSpan SecondToken { get; private init; }

    /// <summary>What the engine says of itself.</summary>
    public required string About { get; init; }

    /// <summary>The first text that it wrote.</summary>
    public required EngineText FirstText { get; init; }

    /// <summary>Starts a process and waits until its first text is written.</summary>
    /// <exception cref="SpecDecodeException">It ended early.</exception>
    public static EngineProcess Start(EngineSettings settings)
    {
        ProcessStartInfo start = Program();
        start.ArgumentList.Add(EngineCommand.Name);
        start.ArgumentList.Add(settings.ToString());
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;

        // ONNX Runtime sends usage data unless told not to; this library tells it, GenAI does not.
        start.Environment["ORT_DISABLE_TELEMETRY"] = "1";
        long begin = Stopwatch.GetTimestamp();
        Process process = Process.Start(start)!;
        try
        {
            if (Line(process, settings) != EngineCommand.SecondToken)
            {
                throw new SpecDecodeException($"The process with {settings.Engine} did not say when its second token was known: give --tokens of 2 or more.");
            }

            TimeSpan second = Stopwatch.GetElapsedTime(begin);
            EngineText text = EngineText.Parse(Line(process, settings));
            return new EngineProcess(process, settings) { SecondToken = second, FirstText = text, About = Line(process, settings) };
        }
        catch
        {
            End(process);
            throw;
        }
    }

    /// <summary>Has another text written.</summary>
    /// <exception cref="SpecDecodeException">The process has ended.</exception>
    public EngineText Write()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        return EngineText.Parse(Line(_process, _settings));
    }

    /// <inheritdoc/>
    public void Dispose() => End(_process);

    // This program, however it was started.
    private static ProcessStartInfo Program()
    {
        string path = Environment.ProcessPath!;
        ProcessStartInfo start = new(path) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(typeof(EngineProcess).Assembly.Location);
        }

        return start;
    }

    private static string Line(Process process, EngineSettings settings)
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith(EngineCommand.Mark, StringComparison.Ordinal))
            {
                return line[EngineCommand.Mark.Length..];
            }
        }

        process.WaitForExit();
        throw new SpecDecodeException(
            $"The process with {settings.Engine} ended early, with exit code {process.ExitCode.ToString(CultureInfo.InvariantCulture)}: what it wrote above says why.");
    }

    private static void End(Process process)
    {
        using (process)
        {
            process.StandardInput.Close();
            if (!process.WaitForExit(EndsWithin))
            {
                process.Kill();
            }
        }
    }
}
