namespace SpecDecode.Tool.Batch;

/// <summary>The lines of a stream as bytes, one in memory at a time.</summary>
internal sealed class LineReader
{
    /// <summary>Most bytes of a line that are kept.</summary>
    public const int MaxBytes = 64 << 20;

    private readonly Stream _stream;
    private readonly CancellationToken _cancellationToken;
    private readonly byte[] _piece = new byte[1 << 16];
    private byte[] _line = new byte[1 << 10];
    private long _read;
    private int _start;
    private int _end;
    private int _length;

    /// <summary>Begins at the stream's position.</summary>
    /// <param name="stream">The stream, which stays the caller's.</param>
    /// <param name="cancellationToken">Ends the waiting for more.</param>
    public LineReader(Stream stream, CancellationToken cancellationToken)
    {
        _stream = stream;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Number of the line, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The line without its end; valid until the next one is read.</summary>
    public ReadOnlyMemory<byte> Line => _line.AsMemory(0, Math.Min(_length, MaxBytes));

    /// <summary>Whether the line has more than <see cref="MaxBytes"/>, which are left out.</summary>
    public bool IsTooLong => _length > MaxBytes;

    /// <summary>Whether the line had an end; the last one of a file that was cut off has none.</summary>
    public bool HasEnd { get; private set; }

    /// <summary>Where the line began in the stream.</summary>
    public long Position { get; private set; }

    /// <summary>Reads the next line; false at the end.</summary>
    /// <exception cref="OperationCanceledException">The waiting was ended.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public bool Read()
    {
        _length = 0;
        HasEnd = false;
        Position = _read - (_end - _start);
        while (!HasEnd)
        {
            if (_start == _end && !Fill())
            {
                break;
            }

            ReadOnlySpan<byte> rest = _piece.AsSpan(_start, _end - _start);
            int found = rest.IndexOf((byte)'\n');
            HasEnd = found >= 0;
            Append(HasEnd ? rest[..found] : rest);
            _start += HasEnd ? found + 1 : rest.Length;
        }

        if (!HasEnd && _length == 0)
        {
            return false;
        }

        if (_length is > 0 and <= MaxBytes && _line[_length - 1] == '\r')
        {
            _length--;
        }

        Number++;
        return true;
    }

    private bool Fill()
    {
        _cancellationToken.ThrowIfCancellationRequested();
        int count;
        if (_stream.CanSeek)
        {
            count = _stream.Read(_piece);
        }
        else
        {
            count = PatientRead.Read(_stream, _piece, _cancellationToken);
        }

        (_start, _end) = (0, count);
        _read += count;
        return count > 0;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        int kept = Math.Clamp(MaxBytes - _length, 0, bytes.Length);
        if (_length + kept > _line.Length)
        {
            Array.Resize(ref _line, Math.Max(_length + kept, Math.Min(2 * _line.Length, MaxBytes)));
        }

        if (kept > 0)
        {
            bytes[..kept].CopyTo(_line.AsSpan(_length));
        }

        _length = (int)Math.Min((long)_length + bytes.Length, int.MaxValue);
    }
}
