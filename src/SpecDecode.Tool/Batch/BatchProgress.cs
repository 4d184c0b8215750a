using System.Globalization;
using SpecDecode.Generation;
using SpecDecode.Scheduling;

namespace SpecDecode.Tool.Batch;

/// <summary>How far a run is, and what it did in the end.</summary>
internal sealed class BatchProgress
{
    private readonly ProgressLine _line;
    private readonly TimeProvider _time;
    private readonly long? _total;
    private readonly long _before;
    private readonly long _start;
    private long _tokens;
    private long _drafted;
    private long _accepted;

    /// <summary>Begins to count.</summary>
    /// <param name="line">Where it is shown.</param>
    /// <param name="total">Lines of the input; null where that is not known.</param>
    /// <param name="before">Lines whose results were there already.</param>
    /// <param name="errors">Those of them that have an error.</param>
    /// <param name="time">The time.</param>
    public BatchProgress(ProgressLine line, long? total, long before, long errors, TimeProvider time)
    {
        _line = line;
        _time = time;
        _total = total;
        _before = before;
        _start = time.GetTimestamp();
        Errors = errors;
    }

    /// <summary>Results of this run.</summary>
    public long Results { get; private set; }

    /// <summary>All results that have an error, those of earlier runs too.</summary>
    public long Errors { get; private set; }

    /// <summary>All results that there are.</summary>
    public long All => _before + Results;

    /// <summary>Counts a step.</summary>
    public void Add(StepRecord step)
    {
        _tokens += step.OutputTokens;
        _line.Show(() => Text(_time.GetElapsedTime(_start)));
    }

    /// <summary>Counts a result.</summary>
    /// <param name="result">What came of it; null for a line that was not begun.</param>
    /// <param name="isError">Whether it is an error.</param>
    public void Add(GenerationResult? result, bool isError)
    {
        Results++;
        Errors += isError ? 1 : 0;
        _drafted += result?.Drafting.Drafted ?? 0;
        _accepted += result?.Drafting.Accepted ?? 0;
    }

    /// <summary>What was done, in one line.</summary>
    public string Summary()
    {
        _line.Clear();
        TimeSpan time = _time.GetElapsedTime(_start);
        string before = _before > 0 ? string.Create(CultureInfo.InvariantCulture, $", {_before} were there") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Results} results{before}, {_tokens} tokens{Speed(time)}{Acceptance()}");
    }

    private string Text(TimeSpan time)
    {
        string of = _total is { } total ? string.Create(CultureInfo.InvariantCulture, $" of {total} ({(double)All / Math.Max(total, 1):p0})") : "";
        string errors = Errors > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Errors} errors") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{All}{of}{Speed(time)}{Acceptance()}{errors}{Left(time)}");
    }

    private string Speed(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $", {_tokens / Math.Max(time.TotalSeconds, 1e-3):f1} tokens/s");

    private string Acceptance() => _drafted > 0 ? string.Create(CultureInfo.InvariantCulture, $", accepted {(double)_accepted / _drafted:p0} of {_drafted} drafted") : "";

    private string Left(TimeSpan time)
    {
        if (_total is not { } total || Results == 0 || total <= All)
        {
            return "";
        }

        TimeSpan left = time * ((double)(total - All) / Results);
        return left.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $", about {(long)left.TotalHours} h {left.Minutes} min left")
            : left.TotalMinutes >= 1 ? string.Create(CultureInfo.InvariantCulture, $", about {left.Minutes} min left")
            : string.Create(CultureInfo.InvariantCulture, $", about {left.Seconds} s left");
    }
}
