namespace SpecDecode.Grammars.Masks;

/// <summary>A beginning of tokens, in a trie.</summary>
/// <param name="Byte">Its last byte.</param>
/// <param name="Depth">How many bytes it stands for.</param>
/// <param name="End">The node behind all that begin with it.</param>
/// <param name="FirstToken">Where its tokens begin in the list of all; they go to where the next node's begin.</param>
/// <param name="Crown">The crown that stands on it, by its place in the trie's list; -1 where it is too small to be worth one.</param>
internal readonly record struct TokenNode(byte Byte, int Depth, int End, int FirstToken, int Crown);
