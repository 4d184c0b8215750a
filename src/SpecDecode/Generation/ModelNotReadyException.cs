namespace SpecDecode.Generation;

/// <summary>The model has not been loaded, so there is nothing to answer with.</summary>
public sealed class ModelNotReadyException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Why, and what to do.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public ModelNotReadyException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
