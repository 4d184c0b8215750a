namespace SpecDecode.Tool;

/// <summary>
/// Reading from a pipe or a terminal, which waits for whoever writes there, whatever is asked of it meanwhile: Ctrl+C ends the waiting,
/// and leaves the read to end with the process.
/// </summary>
internal static class PatientRead
{
    /// <summary>Reads some bytes; 0 at the end.</summary>
    /// <exception cref="OperationCanceledException">The waiting was ended.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static int Read(Stream stream, byte[] buffer, CancellationToken cancellationToken) =>
        Task.Run(() => stream.Read(buffer), CancellationToken.None).WaitAsync(cancellationToken).GetAwaiter().GetResult();
}
