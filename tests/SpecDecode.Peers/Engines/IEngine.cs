namespace SpecDecode.Peers.Engines;

/// <summary>A model that is loaded and continues texts greedily, one after the other, each from its prompt on.</summary>
internal interface IEngine : IDisposable
{
    /// <summary>Version of what computes, and what else tells how.</summary>
    string About { get; }

    /// <summary>Continues a prompt by so many tokens, whatever they are.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="tokens">New tokens.</param>
    /// <param name="onToken">Told each new token as soon as it is known.</param>
    void Write(int[] prompt, int tokens, Action<int> onToken);
}
