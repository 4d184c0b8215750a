using System.Buffers;

namespace SpecDecode.Tool.Batch;

/// <summary>Where results go: standard output, or a file that a later run goes on with.</summary>
internal sealed class BatchOutput : IDisposable
{
    private readonly TextWriter _standard;
    private readonly FileStream? _file;

    private BatchOutput(TextWriter standard, FileStream? file, FinishedLines finished)
    {
        _standard = standard;
        _file = file;
        Finished = finished;
    }

    /// <summary>The lines whose results are there already.</summary>
    public FinishedLines Finished { get; }

    /// <summary>What to call it.</summary>
    public string Name => _file?.Name ?? "standard output";

    /// <summary>Whether another run can go on with it.</summary>
    public bool CanGoOn => _file is { CanSeek: true, Length: > 0 };

    /// <summary>Opens it, reads what is there, and takes off a last line that was cut off.</summary>
    /// <param name="path">The file, which may exist; <see cref="InputFile.StandardInput"/> or null for standard output.</param>
    /// <param name="input">The input's path, which it must not be.</param>
    /// <param name="standard">Standard output.</param>
    /// <param name="options">The hash of model and options.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SpecDecodeException">It cannot be opened, or holds something else than results of this model and these options.</exception>
    public static BatchOutput Open(string? path, string input, TextWriter standard, uint options, CancellationToken cancellationToken)
    {
        if (path is null or InputFile.StandardInput)
        {
            return new BatchOutput(standard, null, new FinishedLines());
        }

        if (input != InputFile.StandardInput && Real(path) == Real(input))
        {
            throw new SpecDecodeException($"{path}: it is the file of the prompts: name another --output.");
        }

        FileStream? file = null;
        try
        {
            // Alone: two runs would write the same results. Without a buffer: a result is the system's as soon as it is written.
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            // A device may be sought in and read without end; it has no length.
            FinishedLines finished = file.CanSeek && file.Length > 0 ? ReadFinished(path, options, file, cancellationToken) : new FinishedLines();
            return new BatchOutput(standard, file, finished);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            throw new SpecDecodeException($"{path}: results cannot be written there ({error.Message.TrimEnd('.')}). End what else has it open, or name another --output.", error);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Writes a line.</summary>
    /// <exception cref="SpecDecodeException">The file cannot be written.</exception>
    /// <exception cref="IOException">Standard output cannot.</exception>
    public void Write(ReadOnlyMemory<byte> line)
    {
        if (_file is null)
        {
            _standard.WriteLine(System.Text.Encoding.UTF8.GetString(line.Span));
            _standard.Flush();
            return;
        }

        byte[] whole = ArrayPool<byte>.Shared.Rent(line.Length + 1);
        try
        {
            line.CopyTo(whole);
            whole[line.Length] = (byte)'\n';
            _file.Write(whole, 0, line.Length + 1);
        }
        catch (IOException error)
        {
            throw new SpecDecodeException(
                $"{Name}: the next result cannot be written ({error.Message.TrimEnd('.')}). What is there stays: free the space and run the same command again.", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private static FinishedLines ReadFinished(string path, uint options, FileStream file, CancellationToken cancellationToken)
    {
        FinishedLines finished = new();
        LineReader lines = new(file, cancellationToken);
        while (lines.Read())
        {
            if (!lines.HasEnd)
            {
                CheckCut(path, lines);
                file.SetLength(lines.Position);
                break;
            }

            BatchRecord record = BatchRecord.Parse(lines.Line)
                ?? throw new SpecDecodeException($"{path}, line {lines.Number}: it is no result of 'generate --prompts': name another --output, which is made or gone on with.");
            if (record.Options != options)
            {
                throw new SpecDecodeException(
                    $"{path}, line {lines.Number}: it was written with another model or other options: give the same ones again, or another --output.");
            }

            if (!finished.TryAdd(record))
            {
                throw new SpecDecodeException($"{path}, line {lines.Number}: there is a result of line {record.Line} of the input before it already: remove one of them, or name another --output.");
            }
        }

        file.Seek(0, SeekOrigin.End);
        return finished;
    }

    // The beginning of a result, or zeros that a crash of the machine left; anything else is somebody's and stays.
    private static void CheckCut(string path, LineReader lines)
    {
        ReadOnlySpan<byte> rest = lines.Line.Span;
        int common = Math.Min(rest.Length, BatchRecord.Beginning.Length);
        if (!rest[..common].SequenceEqual(BatchRecord.Beginning[..common]) && rest.ContainsAnyExcept((byte)0))
        {
            throw new SpecDecodeException($"{path}, line {lines.Number}: it is no result of 'generate --prompts': name another --output, which is made or gone on with.");
        }
    }

    private static string Real(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return path;
        }
    }
}
