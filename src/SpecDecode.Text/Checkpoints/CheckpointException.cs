namespace SpecDecode.Checkpoints;

/// <summary>A checkpoint folder, or a file in it, that cannot be used: missing, damaged, inconsistent or of an unknown kind.</summary>
public sealed class CheckpointException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="path">The file or folder that is at fault.</param>
    /// <param name="message">What is wrong with it (tensor, key) and the mend, without the path, which is put in front.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public CheckpointException(string path, string message, Exception? innerException = null)
        : base($"{path}: {message}", innerException)
    {
        Path = path;
    }

    /// <summary>The file or folder that is at fault.</summary>
    public string Path { get; }
}
