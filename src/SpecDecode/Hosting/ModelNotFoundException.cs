namespace SpecDecode.Hosting;

/// <summary>A host has no model of the name that was asked for.</summary>
public sealed class ModelNotFoundException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Which name, and which there are.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public ModelNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
