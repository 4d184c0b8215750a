namespace SpecDecode.Tokenizers;

/// <summary>A piece of a unigram model.</summary>
/// <param name="Text">What it stands for.</param>
/// <param name="Score">Its log probability, or what takes that place.</param>
/// <param name="Id">The token's id.</param>
internal readonly record struct UnigramPiece(string Text, double Score, int Id);
