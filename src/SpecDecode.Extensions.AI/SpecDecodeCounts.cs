using Microsoft.Extensions.AI;
using SpecDecode.Drafting;

namespace SpecDecode.Extensions.AI;

/// <summary>Keys of <see cref="UsageDetails.AdditionalCounts"/>. Counts of several answers may be added up.</summary>
public static class SpecDecodeCounts
{
    /// <summary>Draft tokens (<see cref="DraftingStatistics.Drafted"/>).</summary>
    public const string DraftedTokens = "specdecode.drafted_tokens";

    /// <summary>Draft tokens that became output (<see cref="DraftingStatistics.Accepted"/>). Divided by the drafted ones: the acceptance rate.</summary>
    public const string AcceptedTokens = "specdecode.accepted_tokens";

    /// <summary>Steps that gave tokens after the first one (<see cref="DraftingStatistics.Rounds"/>).</summary>
    public const string Rounds = "specdecode.rounds";
}
