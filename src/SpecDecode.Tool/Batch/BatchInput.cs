namespace SpecDecode.Tool.Batch;

/// <summary>The lines of prompts: from a file, which is looked through first, or from a pipe, which is not.</summary>
internal sealed class BatchInput : IDisposable
{
    private readonly Stream _stream;
    private readonly bool _isFile;
    private readonly CancellationToken _cancellationToken;

    private BatchInput(string name, Stream stream, CancellationToken cancellationToken)
    {
        Name = name;
        _isFile = stream.CanSeek && stream.Length > 0;
        _stream = stream;
        _cancellationToken = cancellationToken;
    }

    /// <summary>What to call it.</summary>
    public string Name { get; }

    /// <summary>Opens it.</summary>
    /// <exception cref="SpecDecodeException">It cannot be opened.</exception>
    public static BatchInput Open(string path, CancellationToken cancellationToken)
    {
        try
        {
            return path == InputFile.StandardInput
                ? new BatchInput("standard input", Console.OpenStandardInput(), cancellationToken)
                : new BatchInput(path, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0), cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SpecDecodeException($"{path}: cannot be read ({error.Message.TrimEnd('.')}). Correct the path.", error);
        }
    }

    /// <summary>Looks through a file: counts its lines, and compares those that have results with what they were.</summary>
    /// <param name="output">Where the results are.</param>
    /// <returns>How many lines there are, empty ones not counted; null for a pipe.</returns>
    /// <exception cref="SpecDecodeException">Lines are not what they were.</exception>
    public long? LookThrough(BatchOutput output)
    {
        if (!_isFile)
        {
            return null;
        }

        FinishedLines.Comparison comparison = new(output.Finished, Name, output.Name);
        LineReader lines = new(_stream, _cancellationToken);
        long count = 0;
        while (Read(lines))
        {
            if (!IsEmpty(lines))
            {
                count++;
                if (output.Finished.Contains(lines.Number))
                {
                    comparison.Add(lines.Number, BatchRecord.Hash(lines));
                }
            }
        }

        comparison.End();
        _stream.Seek(0, SeekOrigin.Begin);
        return count;
    }

    /// <summary>The lines that have no result yet, each valid until the next one.</summary>
    /// <param name="output">Where results are.</param>
    /// <exception cref="SpecDecodeException">It cannot be read any more, or lines of a pipe are not what they were.</exception>
    public IEnumerable<LineReader> Lines(BatchOutput output)
    {
        FinishedLines.Comparison? comparison = _isFile ? null : new(output.Finished, Name, output.Name);
        LineReader lines = new(_stream, _cancellationToken);
        while (Read(lines))
        {
            if (IsEmpty(lines))
            {
                continue;
            }

            if (output.Finished.Contains(lines.Number))
            {
                comparison?.Add(lines.Number, BatchRecord.Hash(lines));
            }
            else
            {
                yield return lines;
            }
        }

        comparison?.End();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static bool IsEmpty(LineReader line) => !line.Line.Span.ContainsAnyExcept((byte)' ', (byte)'\t');

    private bool Read(LineReader lines)
    {
        try
        {
            return lines.Read();
        }
        catch (IOException error)
        {
            throw new SpecDecodeException($"{Name}, behind line {lines.Number}: cannot be read any further ({error.Message.TrimEnd('.')}).", error);
        }
    }
}
