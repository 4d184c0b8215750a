namespace SpecDecode.Generation;

/// <summary>The service stops; it takes no more requests.</summary>
public sealed class ShuttingDownException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Why, and what to do.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public ShuttingDownException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
