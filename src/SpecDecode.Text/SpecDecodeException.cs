namespace SpecDecode;

/// <summary>
/// The base of every error that this library raises for bad input or an unusable environment. The message is one or
/// two sentences for a person: what was wrong, where (file, tensor, option) and what to do about it.
/// </summary>
public class SpecDecodeException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What was wrong, where, and the mend.</param>
    public SpecDecodeException(string message) : base(message)
    {
    }

    /// <summary>Creates the error with the failure that lies beneath it.</summary>
    /// <param name="message">What was wrong, where, and the mend.</param>
    /// <param name="innerException">The failure beneath.</param>
    public SpecDecodeException(string message, Exception? innerException) : base(message, innerException)
    {
    }
}
