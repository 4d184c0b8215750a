namespace SpecDecode.Tokenizers.Patterns;

/// <summary>A regular expression that is not understood. The message is the object of "uses".</summary>
internal sealed class PatternException(string message) : Exception(message);
