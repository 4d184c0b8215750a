namespace SpecDecode.Stops;

/// <summary>At which strings a request's text stops.</summary>
/// <param name="Strings">The strings.</param>
/// <param name="IsIncluded">Whether the one that is found stays in the text.</param>
/// <param name="MinTokens">One that is complete with one of the first so many new tokens is passed over.</param>
internal sealed record StopRule(StopStrings Strings, bool IsIncluded, int MinTokens);
