namespace SpecDecode.Generation;

/// <summary>As many requests as are allowed wait already; this one was refused at once.</summary>
public sealed class QueueFullException : SpecDecodeException
{
    internal QueueFullException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
