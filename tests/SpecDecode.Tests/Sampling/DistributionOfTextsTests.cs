using SpecDecode.Drafting;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Speculation;

namespace SpecDecode.Tests.Sampling;

/// <summary>
/// Texts written through scheduler, drafter and verifier have the full model's distribution: the first three tokens together,
/// and three behind the first draft, against what the model's table says in doubles. Where a mistake is planted, they have not.
/// </summary>
public class DistributionOfTextsTests
{
    private const int Vocabulary = MarkovStages.Vocabulary;
    private const int Length = 8;
    private const int Texts = 40_000;

    private static readonly MarkovStages Stages = new(2024);
    private static readonly MarkovStages Forms = new(2025, writesForms: true);

    // Where limits leave nothing else, each fifth token alone is open; these three have one of them.
    private static readonly int[] WithBranches = [1, 2, 7, 8, 12, 13, 17, 18, 21];
    private static readonly DraftPlan Exit = new() { Plan = LayerPlan.EarlyExit(2, 1) };

    public static TheoryData<SamplingOptions> Options =>
    [
        new SamplingOptions { Temperature = 1.1f },
        new SamplingOptions { Temperature = 0.9f, TopK = 4 },
        new SamplingOptions { Temperature = 1.2f, TopP = 0.8f },
        new SamplingOptions { Temperature = 1, MinP = 0.25f },
        new SamplingOptions { Temperature = 1.3f, TopK = 6, TopP = 0.9f, MinP = 0.12f },
        new SamplingOptions { Temperature = 1.5f, TopNSigma = 1 },
    ];

    [Theory]
    [MemberData(nameof(Options))]
    public void Plain_sampling_fits(SamplingOptions options)
    {
        AssertFits(Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), drafts: false, Length), options);
        AssertFits(Stages.Write(Texts, Seeded(options, AcceptanceRule.SharedNoise), drafts: false, Length), options);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Rejection_sampling_with_drafts_fits(SamplingOptions options) =>
        AssertFits(Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), drafts: true, Length), options);

    [Theory]
    [MemberData(nameof(Options))]
    public void Drafts_that_choose_from_few_tokens_that_change_fit(SamplingOptions options)
    {
        MarkovStages few = new(2024, draftVocabulary: 3);
        AssertFits(few.Write(Texts, Seeded(options, AcceptanceRule.Rejection), drafts: true, Length), options);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Shared_noise_with_drafts_writes_what_it_writes_without(SamplingOptions options)
    {
        SamplingOptions seeded = Seeded(options, AcceptanceRule.SharedNoise);
        int[][] plain = Stages.Write(5_000, seeded, drafts: false, Length);
        int[][] drafted = Stages.Write(5_000, seeded, drafts: true, Length);
        Assert.Equal(plain, drafted);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void What_drafter_and_verifier_may_choose_differs(SamplingOptions options)
    {
        int onlyDrafter = 0;
        int onlyVerifier = 0;
        for (int last = 0; last < Vocabulary; last++)
        {
            (double[] p, double[] q) = (Stages.Full(last, options), Stages.Drafter(last, options));
            onlyDrafter += Enumerable.Range(0, Vocabulary).Count(token => p[token] == 0 && q[token] > 0);
            onlyVerifier += Enumerable.Range(0, Vocabulary).Count(token => p[token] > 0 && q[token] == 0);
        }

        Assert.True(onlyDrafter > 3 && onlyVerifier > 3, $"{onlyDrafter} tokens are only the drafter's, {onlyVerifier} only the verifier's.");
    }

    // With limits that cut.
    [Theory]
    [InlineData(Mistake.ResidualNotNormalised)]
    [InlineData(Mistake.CorrectionFromTarget)]
    [InlineData(Mistake.LowConfidenceTokenThrownAway)]
    [InlineData(Mistake.DraftDistributionIsTheTargets)]
    [InlineData(Mistake.DraftDistributionCutToTheTargets)]
    public void A_mistake_in_rejection_sampling_does_not_fit(Mistake mistake)
    {
        foreach (SamplingOptions options in Options.Skip(1).Select(row => row.Data))
        {
            AcceptanceRules rules = new() { Rejection = new MistakenSampling(mistake) };
            int[][] texts = Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), drafts: true, Length, rules);
            double deviation = Deviations(texts, options).Max();
            TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{mistake}: {deviation:f1} standard deviations"));
            Assert.True(deviation > 3 * GoodnessOfFit.CriticalDeviation, $"The test does not see the mistake: {deviation:f1} standard deviations.");
        }
    }

    public static TheoryData<LawfulPolicy, SamplingOptions> Policies
    {
        get
        {
            TheoryData<LawfulPolicy, SamplingOptions> data = [];
            foreach (LawfulPolicy policy in Enum.GetValues<LawfulPolicy>().Where(policy => policy != LawfulPolicy.Mixed))
            {
                Options.Select(row => row.Data).Where((_, i) => i % 2 == 0).ToList().ForEach(options => data.Add(policy, options));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Rejection_sampling_fits_whatever_a_policy_decides_that_keeps_to_the_rules(LawfulPolicy policy, SamplingOptions options)
    {
        NotedPolicy noted = new(policy);
        AssertFits(Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), Length, null, _ => noted.Drafting()), options);
        TestContext.Current.SendDiagnosticMessage($"{policy}: {noted.Drafted} drafted, {noted.Proposed} proposed, {noted.Accepted} accepted");
        Assert.True(noted.Drafted > Texts / 4 && noted.Accepted > Texts / 40, $"{noted.Drafted} drafted, {noted.Accepted} accepted");
        Assert.Equal(policy is LawfulPolicy.Proposing or LawfulPolicy.Lookup, noted.Proposed > Texts / 4);
    }

    public static TheoryData<AcceptanceRule, SamplingOptions> Repeatable
    {
        get
        {
            TheoryData<AcceptanceRule, SamplingOptions> data = new() { { AcceptanceRule.Greedy, SamplingOptions.Greedy } };
            Options.Select(row => row.Data).ToList().ForEach(options => data.Add(AcceptanceRule.SharedNoise, Seeded(options, AcceptanceRule.SharedNoise)));
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Repeatable))]
    public void Drafts_behind_what_the_text_proposes_leave_it_as_it_is(AcceptanceRule rule, SamplingOptions options)
    {
        NotedPolicy noted = new(LawfulPolicy.Mixed);
        int[][] plain = Forms.Write(3_000, options, drafts: false, 32);
        int[][] drafted = Forms.Write(3_000, options, 32, null, _ => noted.Drafting());
        Assert.Equal(plain, drafted);
        AssertMixed(noted, 3_000, $"{rule}");
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Rejection_sampling_with_drafts_behind_what_the_text_proposes_fits(SamplingOptions options)
    {
        NotedPolicy noted = new(LawfulPolicy.Mixed);
        int[][] texts = Forms.Write(Texts / 2, Seeded(options, AcceptanceRule.Rejection), 24, null, _ => noted.Drafting());
        AssertMixed(noted, Texts / 2, "rejection");
        AssertFits(texts, options, Forms, WithBranches);
    }

    // Forms end in one of five tokens, which the drafter draws behind the proposed ones: a mistake there is seen.
    [Fact]
    public void A_mistake_behind_proposed_tokens_does_not_fit()
    {
        SamplingOptions options = Options.First().Data;
        AcceptanceRules rules = new() { Rejection = new MistakenSampling(Mistake.ResidualNotNormalised) };
        int[][] texts = Forms.Write(Texts, Seeded(options, AcceptanceRule.Rejection), 24, rules, _ => new NotedPolicy(LawfulPolicy.Mixed).Drafting());
        double deviation = Deviations(texts, options, Forms, WithBranches).Max();
        Assert.True(deviation > 3 * GoodnessOfFit.CriticalDeviation, $"The test does not see the mistake: {deviation:f1} standard deviations.");
    }

    private static void AssertMixed(NotedPolicy noted, int texts, string what)
    {
        TestContext.Current.SendDiagnosticMessage(
            $"{what}: {noted.Drafted} drafted, {noted.Proposed} proposed, {noted.GoneOn} gone on behind, {noted.AcceptedBehind} accepted there");
        Assert.True(noted.GoneOn > texts / 10 && noted.AcceptedBehind > texts / 40, $"{noted.GoneOn} gone on behind, {noted.AcceptedBehind} accepted there");
    }

    [Fact]
    public void A_policy_that_decides_by_draft_tokens_that_were_never_judged_does_not_fit()
    {
        foreach (SamplingOptions options in Options.Select(row => row.Data))
        {
            CheatingPolicy cheat = new();
            int[][] texts = Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), Length, null, _ => new SequenceDrafting(cheat, [Exit], 3));
            double deviation = Deviations(texts, options).Max();
            TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{deviation:f1} standard deviations"));
            Assert.True(deviation > 3 * GoodnessOfFit.CriticalDeviation, $"The test does not see the cheat: {deviation:f1} standard deviations.");
        }
    }

    [Theory]
    [InlineData(Mistake.ProposalTakenForADraw)]
    [InlineData(Mistake.ProposalTakenOnTrust)]
    public void A_mistake_about_proposed_tokens_does_not_fit(Mistake mistake)
    {
        SamplingOptions options = Options.Last().Data;
        double deviation = Proposed(mistake);
        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{mistake}: {deviation:f1} standard deviations"));
        Assert.True(deviation > 3 * GoodnessOfFit.CriticalDeviation, $"The test does not see the mistake: {deviation:f1} standard deviations.");
        Assert.True(Proposed(Mistake.None) < GoodnessOfFit.CriticalDeviation);

        double Proposed(Mistake mistake) => Deviations(
            Stages.Write(
                Texts, Seeded(options, AcceptanceRule.Rejection), Length, new AcceptanceRules { Rejection = new MistakenSampling(mistake) },
                _ => new NotedPolicy(LawfulPolicy.Proposing).Drafting()),
            options).Max();
    }

    [Fact]
    public void The_planted_rule_without_its_mistake_fits()
    {
        AcceptanceRules rules = new() { Rejection = new MistakenSampling(Mistake.None) };
        SamplingOptions options = Options.Last().Data;
        AssertFits(Stages.Write(Texts, Seeded(options, AcceptanceRule.Rejection), drafts: true, Length, rules), options);
    }

    private static SamplingOptions Seeded(SamplingOptions options, AcceptanceRule rule) => options with { Seed = 1_000_000, Acceptance = rule };

    private static void AssertFits(int[][] texts, SamplingOptions options, MarkovStages? stages = null, int[]? firsts = null)
    {
        foreach (double deviation in Deviations(texts, options, stages, firsts))
        {
            TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant($"{deviation:f1} standard deviations"));
            Assert.True(deviation < GoodnessOfFit.CriticalDeviation, $"χ² lies {deviation:f1} standard deviations above its mean.");
        }
    }

    // Of three tokens each from some on; else of tokens 1 to 3, 2 to 4 and 5 to 7.
    private static double[] Deviations(int[][] texts, SamplingOptions options, MarkovStages? stages = null, int[]? firsts = null)
    {
        double[][] rows = [.. Enumerable.Range(0, Vocabulary).Select(last => (stages ?? Stages).Full(last, options))];
        return [.. (firsts ?? [0, 1, 4]).Select(first =>
        {
            int[] counts = new int[Vocabulary * Vocabulary * Vocabulary];
            foreach (int[] text in texts)
            {
                counts[(text[first] * Vocabulary + text[first + 1]) * Vocabulary + text[first + 2]]++;
            }

            return GoodnessOfFit.Deviation(counts, Triples(rows, first));
        })];
    }

    private static double[] Triples(double[][] rows, int first)
    {
        double[] last = [1, .. new double[Vocabulary - 1]];
        for (int i = 0; i < first; i++)
        {
            last = [.. Enumerable.Range(0, Vocabulary).Select(token => Enumerable.Range(0, Vocabulary).Sum(from => last[from] * rows[from][token]))];
        }

        double[] begin = [.. Enumerable.Range(0, Vocabulary).Select(token => Enumerable.Range(0, Vocabulary).Sum(from => last[from] * rows[from][token]))];
        return [.. Enumerable.Range(0, Vocabulary * Vocabulary * Vocabulary).Select(i =>
            begin[i / Vocabulary / Vocabulary] * rows[i / Vocabulary / Vocabulary][i / Vocabulary % Vocabulary] * rows[i / Vocabulary % Vocabulary][i % Vocabulary])];
    }
}
