namespace SpecDecode.Drafting;

/// <summary>What a step's proposals are weighed against.</summary>
/// <param name="Rate">Tokens per second that time is worth.</param>
/// <param name="Premium">What a draft of the plan is expected to be worth beyond plain decoding, for one sequence, in tokens; 0 where none pays.</param>
/// <param name="Plan">What may go on behind proposals; null where no plan may be taken.</param>
/// <param name="Pays">Whether sequences without a proposal draft by it.</param>
internal readonly record struct ProposalTerms(double Rate, double Premium, PlanRecord? Plan, bool Pays);
