namespace SpecDecode.Evaluation;

/// <summary>What a plan's draft takes whose tokens are guessed at earlier exits, level by level.</summary>
/// <param name="costs">What blocks take.</param>
/// <param name="plan">The plan.</param>
/// <param name="exits">The exits, as numbers of layers, the latest, which guesses for the plan, first.</param>
/// <param name="chances">For each of them, how often it chooses what the one before it does, or the plan.</param>
/// <param name="guesses">Tokens that a level guesses before they are judged.</param>
internal sealed class CascadeCosts(BlockCosts costs, PlanCandidate plan, IReadOnlyList<int> exits, IReadOnlyList<double> chances, int guesses)
{
    private readonly Dictionary<(int Level, int Tokens), double> _times = [];

    /// <summary>Seconds that a draft is expected to take.</summary>
    /// <param name="tokens">Its tokens.</param>
    public double Draft(int tokens) => Time(0, tokens);

    /// <summary>
    /// What it promises: over draft lengths k the most of (1 + a1 + a1·a2 + … )·V(1) / (C(k) + V(k + 1)), as <see cref="PlanCosts.Best"/> with the cascade's time C(k) in place of k passes.
    /// A draft of one token leaves nothing to guess, so k is 2 at least.
    /// </summary>
    /// <param name="agreement">The chances that tokens of the plan are accepted, which are the cascade's.</param>
    /// <param name="verify">The verifying pass of a draft of one token, of two, and so on.</param>
    public ExpectedSpeedup Best(AgreementTally agreement, IReadOnlyList<double> verify)
    {
        ExpectedSpeedup best = default;
        for (int length = 2; length <= Math.Min(agreement.Length, verify.Count); length++)
        {
            double speedup = (1 + agreement.ExpectedAccepted(length)) * costs.Plain / (Draft(length) + verify[length - 1]);
            if (speedup > best.Speedup)
            {
                best = new ExpectedSpeedup(speedup, length);
            }
        }

        return best;
    }

    // What a level takes for so many tokens: guesses from the level below, a pass that judges them, and the same for what is left behind those that were right and the level's own.
    private double Time(int level, int tokens)
    {
        if (tokens <= 0)
        {
            return 0;
        }

        if (_times.TryGetValue((level, tokens), out double known))
        {
            return known;
        }

        int guessed = level == exits.Count ? 0 : Math.Min(guesses, tokens - 1);
        double time = Time(level + 1, guessed) + costs.Pass(plan, Depth(level), guessed == 0 ? 0 : Depth(level + 1), guessed);
        double reach = 1;
        for (int right = 0; right <= guessed; right++)
        {
            double stop = right == guessed ? 1 : 1 - chances[level];
            time += reach * stop * Time(level, tokens - right - 1);
            reach *= 1 - stop;
        }

        _times[(level, tokens)] = time;
        return time;
    }

    private int Depth(int level) => level == 0 ? plan.Plan.Blocks.Length : 2 * exits[level - 1];
}
