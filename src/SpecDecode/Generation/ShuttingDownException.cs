namespace SpecDecode.Generation;

/// <summary>The service stops; it takes no more requests.</summary>
public sealed class ShuttingDownException : SpecDecodeException
{
    internal ShuttingDownException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
