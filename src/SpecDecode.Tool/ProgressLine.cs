namespace SpecDecode.Tool;

/// <summary>
/// How far something is, on stderr: in a terminal one line that is written over each second, elsewhere a line of its own every half
/// minute.
/// </summary>
internal sealed class ProgressLine
{
    private static readonly TimeSpan InTerminal = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(30);

    private readonly TextWriter _error;
    private readonly TimeProvider _time;
    private readonly bool _isTerminal;
    private readonly bool _isQuiet;
    private long _last;
    private int _shown;

    /// <summary>Begins to count.</summary>
    /// <param name="error">Where lines go.</param>
    /// <param name="isTerminal">Whether that is a terminal.</param>
    /// <param name="isQuiet">Whether to show nothing.</param>
    /// <param name="time">The time.</param>
    public ProgressLine(TextWriter error, bool isTerminal, bool isQuiet, TimeProvider time)
    {
        _error = error;
        _time = time;
        _isTerminal = isTerminal;
        _isQuiet = isQuiet;
        _last = time.GetTimestamp();
    }

    /// <summary>One for the command's stderr.</summary>
    public static ProgressLine Of(TextWriter error, bool isQuiet) =>
        new(error, ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected, isQuiet, TimeProvider.System);

    /// <summary>Shows how far it is, if it is time to.</summary>
    /// <param name="text">Makes the line.</param>
    public void Show(Func<string> text)
    {
        if (_isQuiet || _time.GetElapsedTime(_last) < (_isTerminal ? InTerminal : Elsewhere))
        {
            return;
        }

        _last = _time.GetTimestamp();
        string line = $"specdecode: {text()}";
        if (_isTerminal)
        {
            _error.Write($"\r{line.PadRight(_shown)}");
            _error.Flush();
            _shown = line.Length;
        }
        else
        {
            _error.WriteLine(line);
        }
    }

    /// <summary>Clears the line that is written over, so that what comes next begins at the left.</summary>
    public void Clear()
    {
        if (_shown > 0)
        {
            _error.Write($"\r{new string(' ', _shown)}\r");
            _shown = 0;
        }
    }
}
