using SpecDecode.Sequences;

namespace SpecDecode.Scheduling;

/// <summary>
/// Somebody who has a use for the caches of sequences that have ended, as long as nobody needs their memory. What is kept counts as reserved
/// (<see cref="Caching.KvBudget"/>). Called by the thread that runs the steps.
/// </summary>
internal interface ICacheKeeper
{
    /// <summary>Takes the cache of a sequence over, or leaves it where it is.</summary>
    /// <param name="ended">A sequence that has come to its end.</param>
    /// <returns>Whether it is the keeper's now.</returns>
    bool TryKeep(Sequence ended);

    /// <summary>Frees what is kept, since somebody waits for memory.</summary>
    /// <returns>Whether anything was.</returns>
    bool GiveBack();
}
