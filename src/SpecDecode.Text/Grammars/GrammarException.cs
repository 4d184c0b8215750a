namespace SpecDecode.Grammars;

/// <summary>
/// A grammar, schema, expression or choice that cannot be honoured, or that takes more time or memory than it may. The message
/// names what and where.
/// </summary>
public sealed class GrammarException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What was wrong, where, and the mend.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public GrammarException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}
