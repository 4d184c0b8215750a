using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.GpuCheck;

/// <summary>The report, a page in Markdown that is written line by line, so that a run that breaks off leaves what it has found.</summary>
internal sealed class Report
{
    private readonly Stopwatch _time = Stopwatch.StartNew();

    public Report(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        File.WriteAllText(Path, "");
    }

    public string Path { get; }

    /// <summary>Checks that failed.</summary>
    public int Failures { get; private set; }

    public void Begin(Subject subject)
    {
        Line($"# gpu-check on {subject.Provider}, device {subject.Device}");
        Line("");
        Line($"- {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Line($"- ONNX Runtime (C# part) {typeof(SessionOptions).Assembly.GetName().Version}, SpecDecode {typeof(ModelOptions).Assembly.GetName().Version}");
        Line($"- devices: {Devices()}");
    }

    public void Section(string title)
    {
        Line("");
        Line($"## {title}");
        Line("");
    }

    /// <summary>Adds a check to the table or list that is being written.</summary>
    /// <param name="line">What it found.</param>
    /// <param name="passed">Whether that is right.</param>
    public void Check(FormattableString line, bool passed)
    {
        Failures += passed ? 0 : 1;
        Line(line.ToString(CultureInfo.InvariantCulture));
    }

    public void Line(FormattableString line) => Line(line.ToString(CultureInfo.InvariantCulture));

    public void Line(string line)
    {
        File.AppendAllText(Path, line + "\n");
        Console.WriteLine(line);
    }

    public void End(string? error)
    {
        Section("End");
        Line(error is null ? (FormattableString)$"{Failures} checks failed, {_time.Elapsed.TotalSeconds:f0} s." : $"Ended by an error after {_time.Elapsed.TotalSeconds:f0} s: {error}");
    }

    private static string Devices()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            })!;
            string said = process.StandardOutput.ReadToEnd().Trim().ReplaceLineEndings("; ");
            process.WaitForExit();
            return said.Length > 0 ? said : "nvidia-smi names none";
        }
        catch (Win32Exception)
        {
            return "there is no nvidia-smi";
        }
    }
}
