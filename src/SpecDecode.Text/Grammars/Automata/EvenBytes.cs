namespace SpecDecode.Grammars.Automata;

/// <summary>What a state remembers of bytes that lead to one and the same other one.</summary>
internal sealed class EvenBytes
{
    /// <summary>Where they lead; null until one is known that may follow.</summary>
    public GrammarState? Target { get; set; }

    /// <summary>The bytes that are known to lead there.</summary>
    public ByteSet Known { get; set; }

    /// <summary>The bytes that are known to lead elsewhere, or nowhere.</summary>
    public ByteSet Others { get; set; }
}
