namespace SpecDecode.Generation;

/// <summary>As many requests as are allowed wait already; this one was refused at once.</summary>
public sealed class QueueFullException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Why, and what to do.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public QueueFullException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
