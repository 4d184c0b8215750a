using System.Collections.Frozen;
using SpecDecode.Constraints;

namespace SpecDecode.Tests.Constraints;

public class ConstraintTests
{
    private const int Vocabulary = 12;

    [Fact]
    public void Penalties_are_those_of_the_text_whatever_was_tried_and_taken_back()
    {
        Random random = new(5);
        for (int turn = 0; turn < TestScale.Cases(4_000, 100_000); turn++)
        {
            float repetition = 0.5f + 2 * random.NextSingle();
            float frequency = random.NextSingle() - 0.5f;
            float presence = random.NextSingle() - 0.5f;
            int window = random.Next(3) == 0 ? random.Next(1, 12) : 0;
            Walk(new TokenPenalties(repetition, frequency, presence, window), random, (prompt, output, token, logit) =>
            {
                int[] all = [.. prompt, .. output];
                int first = window == 0 ? 0 : Math.Max(0, all.Length - window);
                bool isAnywhere = Array.IndexOf(all, token, first) >= 0;
                int times = all.Skip(Math.Max(first, prompt.Length)).Count(other => other == token);
                float penalised = !isAnywhere ? logit : logit > 0 ? logit / repetition : logit * repetition;
                return times == 0 ? penalised : penalised - frequency * times - presence;
            });
        }
    }

    [Fact]
    public void Phrases_are_banned_where_the_output_ends_with_their_beginning()
    {
        Random random = new(6);
        for (int turn = 0; turn < TestScale.Cases(4_000, 100_000); turn++)
        {
            int[][] phrases = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Tokens(random, random.Next(1, 4), 3))];
            Walk(new BannedPhrases(phrases), random, (_, output, token, logit) => Array.Exists(
                phrases,
                phrase => phrase[^1] == token && output.Length >= phrase.Length - 1 && output.AsSpan()[^(phrase.Length - 1)..].SequenceEqual(phrase.AsSpan()[..^1]))
                ? float.NegativeInfinity : logit);
        }
    }

    [Fact]
    public void A_text_cannot_end_before_its_least_length()
    {
        Random random = new(7);
        for (int turn = 0; turn < 2_000; turn++)
        {
            int least = random.Next(1, 9);
            Walk(new LeastLength(least), random, (_, output, token, logit) => output.Length < least && Ends.Contains(token) ? float.NegativeInfinity : logit);
        }
    }

    [Fact]
    public void Bias_is_added_and_bans_what_is_infinitely_unlikely()
    {
        Dictionary<int, float> bias = new() { [3] = 1.5f, [5] = float.NegativeInfinity };
        LogitBias constraint = new(bias);
        Walk(constraint, new Random(8), (_, _, token, logit) => logit + bias.GetValueOrDefault(token));
        Assert.Equal((true, false), (constraint.Allows(3), constraint.Allows(5)));
    }

    private static FrozenSet<int> Ends { get; } = FrozenSet.Create(0, 7);

    private static int[] Tokens(Random random, int count, int different) => [.. Enumerable.Range(0, count).Select(_ => random.Next(different))];

    // A text is written; drafts of it are tried and taken back, as steps do; at every place the logits are compared with what the text alone says.
    private static void Walk(ITokenConstraint constraint, Random random, Func<int[], int[], int, float, float> expected)
    {
        int[] prompt = Tokens(random, random.Next(6), 4);
        SequenceConstraints constraints = new([constraint], new TokenConstraintContext(prompt, Vocabulary, Ends, null));
        List<int> output = [];
        for (int step = 0; step < 6; step++)
        {
            int[] draft = Tokens(random, random.Next(5), 4);
            for (int turn = 0; turn < 6; turn++)
            {
                int length = random.Next(draft.Length + 1);
                constraints.MoveTo([.. output], draft.AsSpan(0, length));
                float[] logits = [.. Enumerable.Range(0, Vocabulary).Select(_ => 4 * random.NextSingle() - 2)];
                float[] processed = [.. logits];
                constraints.Process(processed);
                for (int token = 0; token < Vocabulary; token++)
                {
                    float should = expected(prompt, [.. output, .. draft[..length]], token, logits[token]);
                    Assert.Equal(should, processed[token], 1e-5f);
                    Assert.True(constraints.Allows(token) || float.IsNegativeInfinity(should));
                }
            }

            output.AddRange(draft[..random.Next(draft.Length + 1)]);
            output.Add(random.Next(4));
        }
    }
}
