
namespace SpecDecode.Generation;

/// <summary>What one may want to know of a loaded model.</summary>
/// <param name="Name">What it is called in telemetry: the name of its folder.</param>
/// <param name="LayerCount">Number of layers.</param>
/// <param name="VocabularySize">Number of token ids.</param>
/// <param name="MaxSequenceLength">Longest sequence, prompt and new tokens together.</param>
public sealed record ModelInfo(string Name, int LayerCount, int VocabularySize, int MaxSequenceLength);
