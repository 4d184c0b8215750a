using SpecDecode.Caching;
using SpecDecode.Plans;
using SpecDecode.Speculation;
using SpecDecode.Stages;

namespace SpecDecode.Tests.Speculation;

/// <summary>Which tokens drafts choose from: as many as there are places, each once, those that were written lately among them.</summary>
public sealed class DraftVocabularyTests
{
    private const int Places = 64;
    private const int Vocabulary = 1000;

    [Fact]
    public void Stages_hold_what_was_put_in_and_each_token_once_whatever_comes()
    {
        Random random = new(1);
        PlacesAlone stages = new();
        DraftVocabulary vocabulary = new(stages);
        for (int turn = 0; turn < 2000; turn++)
        {
            int[] tokens = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(turn % 7 == 0 ? Vocabulary : 90))];
            HashSet<int> before = [.. stages.Tokens];
            int puts = stages.Puts;
            if (random.Next(3) == 0)
            {
                vocabulary.SeePrompt(tokens);
            }
            else
            {
                int uncovered = vocabulary.SeeOutput(tokens);
                Assert.Equal(stages.Puts - puts, uncovered);
                Assert.InRange(uncovered, tokens.Except(before).Count(), tokens.Length);
            }

            Assert.Equal(Places, stages.Tokens.Distinct().Count());
            if (stages.Puts > puts)
            {
                Assert.Contains(tokens, stages.Tokens.Contains);
            }
        }

        Assert.True(stages.Puts > 500);
    }

    [Fact]
    public void What_is_written_again_and_again_stays_beside_any_number_of_tokens_that_come_once()
    {
        PlacesAlone stages = new();
        DraftVocabulary vocabulary = new(stages);
        int[] frequent = [.. Enumerable.Range(500, Places / 2)];
        vocabulary.SeeOutput(frequent);
        vocabulary.SeeOutput(frequent);
        int missed = 0;
        for (int rare = 0; rare < 400; rare++)
        {
            vocabulary.SeeOutput([rare]);
            missed += vocabulary.SeeOutput(frequent.AsSpan(rare % 4 * 8, 8));
        }

        Assert.Equal(0, missed);
        vocabulary.SeePrompt([.. Enumerable.Range(600, 300)]);
        Assert.All(frequent, token => Assert.Contains(token, stages.Tokens));
        Assert.Contains(899, stages.Tokens);
    }

    [Fact]
    public void It_is_given_up_where_it_covers_little_and_comes_back_where_it_covers_much()
    {
        DraftVocabulary vocabulary = new(new PlacesAlone());
        Assert.True(vocabulary.IsWorthIt);
        for (int i = 0; i < 300; i++)
        {
            vocabulary.SeeOutput([100 + 3 * i % 900]);
        }

        Assert.False(vocabulary.IsWorthIt);
        for (int i = 0; i < 2000; i++)
        {
            vocabulary.SeeOutput([i % 20]);
        }

        Assert.True(vocabulary.IsWorthIt);
    }

    [Fact]
    public void Where_all_tokens_are_scored_there_is_nothing_to_choose()
    {
        PlacesAlone stages = new() { Tokens = [] };
        DraftVocabulary vocabulary = new(stages);
        vocabulary.SeePrompt([1, 2, 999]);
        Assert.Equal(0, vocabulary.SeeOutput([1, 2, 999]));
        Assert.False(vocabulary.IsWorthIt);
        Assert.Equal(0, stages.Puts);
    }

    [Fact]
    public void Another_one_on_the_same_stages_goes_on_with_what_they_hold()
    {
        PlacesAlone stages = new();
        new DraftVocabulary(stages).SeeOutput([.. Enumerable.Range(300, Places)]);
        DraftVocabulary second = new(stages);
        Assert.Equal(0, second.SeeOutput([.. Enumerable.Range(300, Places)]));
        Assert.Equal(1, second.SeeOutput([2]));
        Assert.Equal(Places, stages.Tokens.Distinct().Count());
    }

    [Fact]
    public void Looking_on_allocates_nothing()
    {
        DraftVocabulary vocabulary = new(new PlacesAlone());
        int[] tokens = [.. Enumerable.Range(0, 500).Select(i => i * 7 % Vocabulary)];
        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            vocabulary.SeePrompt(tokens);
            vocabulary.SeeOutput(tokens);
        }));
    }

    /// <summary>The places alone.</summary>
    private sealed class PlacesAlone : IStages
    {
        public int[] Tokens { get; init; } = [.. Enumerable.Range(0, Places)];

        public int Puts { get; private set; }

        public ReadOnlySpan<int> DraftVocabulary => Tokens;

        public int VocabularySize => Vocabulary;

        public int LayerCount => 1;

        public int MaxSequenceLength => 1;

        public int ResidualWidth => 1;

        public int MaxRows => 1;

        public int MaxScoredRows => 1;

        public long RuntimeTicks => 0;

        public Precision? DraftPrecision => null;

        public void PutInDraftVocabulary(int place, int token)
        {
            Tokens[place] = token;
            Puts++;
        }

        public KvPool Pages => throw new NotSupportedException();

        public void Embed(RowBatch batch, WeightSet weights = WeightSet.Verifier) => throw new NotSupportedException();

        public void Run(Block block, RowBatch batch) => throw new NotSupportedException();

        public void Keep(int row, int slot) => throw new NotSupportedException();

        public void ReadResidual(int row, Span<float> destination) => throw new NotSupportedException();

        public void Arrange(IReadOnlyList<RowSource> sources, RowBatch batch) => throw new NotSupportedException();

        public Span<float> Head(ReadOnlySpan<int> rows) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
