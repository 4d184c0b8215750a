namespace SpecDecode;

/// <summary>Weights that were converted ahead of time.</summary>
/// <param name="Path">The folder that was made, or else the file in the cache folder.</param>
/// <param name="Bytes">Length of the file of weights.</param>
/// <param name="Precision">What matrices are stored as.</param>
/// <param name="HeadPrecision">What the LM head, and an embedding tied to it, is stored as.</param>
/// <param name="BlockSize">Weights that share a scale, where something is quantised.</param>
public sealed record PreparedModel(string Path, long Bytes, Precision Precision, Precision HeadPrecision, int BlockSize);
