namespace SpecDecode.Generation;

/// <summary>The model has not been loaded, so there is nothing to answer with.</summary>
public sealed class ModelNotReadyException : SpecDecodeException
{
    internal ModelNotReadyException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
