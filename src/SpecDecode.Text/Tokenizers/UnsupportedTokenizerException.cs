namespace SpecDecode.Tokenizers;

/// <summary>
/// A <c>tokenizer.json</c> that is sound but of a kind, or with a part, that this library does not implement. Generation
/// works without it on token ids alone.
/// </summary>
public sealed class UnsupportedTokenizerException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="path">The file.</param>
    /// <param name="message">What is not supported, by its key, and what is instead, without the path, which is put in front.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public UnsupportedTokenizerException(string path, string message, Exception? innerException = null)
        : base($"{path}: {message}", innerException)
    {
        Path = path;
    }

    /// <summary>The file.</summary>
    public string Path { get; }
}
