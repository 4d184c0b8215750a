namespace SpecDecode.Diagnostics;

/// <summary>What spans of requests tell besides what they always do.</summary>
/// <param name="RoundEvents">An event for each round.</param>
/// <param name="MessageContent">What was asked and what was answered.</param>
internal readonly record struct RequestTracing(bool RoundEvents, bool MessageContent);
