namespace SpecDecode.Caching;

/// <summary>What the numbers of a text's pages depend on besides its tokens, and who may share them.</summary>
/// <param name="Kind">What the model says of sequences that may get so long (<see cref="KvCache.Capacity"/>).</param>
/// <param name="Scope">What the request says; null for everybody.</param>
internal sealed record PrefixRoot(int Kind, string? Scope);
