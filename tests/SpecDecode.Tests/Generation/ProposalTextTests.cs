using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Sampling;

#pragma warning disable xUnit1051 // Every call takes a second at most.

namespace SpecDecode.Tests.Generation;

/// <summary>Texts of the real story model whose rounds have what the text proposes and a draft behind it are those of plain decoding.</summary>
[Collection(nameof(TalesModels))]
public class ProposalTextTests(TalesModels models)
{
    private static readonly string[] Prompts =
    [
        "Tom had a red ball. Tom had a blue hat. Tom had a red hat. Tom had a",
        "The cat said hello to the dog. The dog said hello to the bird. The bird said hello to the",
        "One day, Mia went to the park. One day, Ben went to the lake. One day,",
        "\"Who are you?\" said the bear. \"Who are you?\" said the fox. \"Who are",
    ];

    [Fact]
    public void Greedy_texts_are_the_same()
    {
        GoingOnPolicy policy = new();
        IReadOnlyList<GenerationResult> plain = Write(DraftingOptions.None, null);
        IReadOnlyList<GenerationResult> mixed = Write(new DraftingOptions { Strategy = DraftingStrategy.Auto }.WithPolicy(policy), null);
        for (int i = 0; i < Prompts.Length; i++)
        {
            models.AssertSameUpToNearTies(models.Wide.Tokenizer!.Encode(Prompts[i]), plain[i].Tokens, mixed[i].Tokens);
        }

        policy.AssertWentOn();
    }

    [Fact]
    public void With_shared_noise_the_text_of_a_seed_is_the_same()
    {
        SamplingOptions sampling = new() { Temperature = 0.7f, TopP = 0.9f, Seed = 11, Acceptance = AcceptanceRule.SharedNoise };
        GoingOnPolicy policy = new();
        IReadOnlyList<GenerationResult> plain = Write(DraftingOptions.None, sampling);
        IReadOnlyList<GenerationResult> mixed = Write(new DraftingOptions { Strategy = DraftingStrategy.Auto }.WithPolicy(policy), sampling);
        for (int i = 0; i < Prompts.Length; i++)
        {
            int[] prompt = models.Wide.Tokenizer!.Encode(Prompts[i]);
            int same = plain[i].Tokens.Zip(mixed[i].Tokens).TakeWhile(pair => pair.First == pair.Second).Count();
            Assert.True(
                same == plain[i].Tokens.Count || models.Wide.MeasureChoiceMargin(prompt, [.. plain[i].Tokens.Take(same)], sampling) < 1e-3, $"text {i} parts at {same}");
        }

        policy.AssertWentOn();
    }

    private IReadOnlyList<GenerationResult> Write(DraftingOptions drafting, SamplingOptions? sampling) => models.Wide.Generate(
        [.. Prompts.Select(prompt => new GenerationRequest { Prompt = prompt, MaxTokens = 250, IgnoreEndOfSequence = true, Drafting = drafting, Sampling = sampling })]);

    // Takes one to three tokens of what the text proposes, right or wrong, and drafts three behind them by one plan after another.
    private sealed class GoingOnPolicy : IDraftPolicy
    {
        private int _turn;
        private int _goneOn;
        private int _acceptedBehind;

        public void Plan(DraftStep drafts)
        {
            int[] proposal = new int[3];
            DraftPlan plan = drafts.Drafts[0].Plans[++_turn % drafts.Drafts[0].Plans.Count];
            foreach (SequenceDraft draft in drafts.Drafts)
            {
                SuffixIndex index = new(draft.Tokens.Length);
                index.Append(draft.Tokens);
                int found = index.Find(proposal, out _);
                draft.Propose(proposal.AsSpan(0, Math.Min(Math.Min(found, 1 + _turn % 3), draft.Limit)));
                draft.Choose(plan, Math.Min(draft.Length + 3, draft.Limit));
            }
        }

        public void AfterPass(DraftStep drafts, DraftPass pass)
        {
            // Its first pass has the rows of what was proposed too.
            Assert.Equal(drafts.Drafts.Count(draft => draft.IsInPass), pass.Drafts);
            Assert.InRange(pass.Rows, pass.Drafts, 4 * pass.Drafts);
        }

        public void Observe(DraftStep drafts)
        {
            foreach (SequenceDraft draft in drafts.Drafts)
            {
                bool goesOn = draft.Proposed > 0 && draft.RowsRun > 0;
                _goneOn += goesOn ? 1 : 0;
                _acceptedBehind += goesOn && draft.Accepted > draft.Proposed ? 1 : 0;
            }
        }

        public void AssertWentOn()
        {
            TestContext.Current.SendDiagnosticMessage($"{_goneOn} proposals gone on behind, {_acceptedBehind} with a token accepted there");
            Assert.True(_goneOn > 50 && _acceptedBehind > 10, $"{_goneOn} gone on behind, {_acceptedBehind} accepted there");
        }
    }
}
