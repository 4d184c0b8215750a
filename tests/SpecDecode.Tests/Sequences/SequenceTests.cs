using SpecDecode.Caching;
using SpecDecode.Drafting;
using SpecDecode.Sequences;
using SpecDecode.Tests.Scheduling;

namespace SpecDecode.Tests.Sequences;

public class SequenceTests
{
    [Fact]
    public void A_new_sequence_has_its_whole_prompt_pending_and_nothing_written()
    {
        using Sequence sequence = Admit([4, 5, 6], 2);
        Assert.Equal([4, 5, 6], sequence.Pending.ToArray());
        Assert.True(sequence.NewTokens.IsEmpty);
        Assert.Equal((3, 3), (sequence.PromptLength, sequence.Length));
        Assert.Null(sequence.FinishReason);
        Assert.Equal(0, sequence.FirstTokenTimestamp);
    }

    [Theory]
    [InlineData(3, 0, true)]
    [InlineData(3, 1, true)]
    [InlineData(3, 2, false)]
    [InlineData(3, 3, false)]
    [InlineData(2, 0, true)]
    [InlineData(1, 0, false)]
    public void A_prompt_is_being_read_until_only_its_last_token_is_pending(int promptLength, int committed, bool reads)
    {
        using Sequence sequence = Admit(new int[promptLength], 4);
        Commit(sequence.Cache, committed);
        Assert.Equal(reads, sequence.ReadsPrompt);
        Assert.Equal(promptLength - committed, sequence.Pending.Length);
    }

    [Fact]
    public void Only_the_first_new_token_sets_the_time_of_the_first_token()
    {
        using Sequence sequence = Admit([4], 3);
        Append(sequence, 7);
        long first = sequence.FirstTokenTimestamp;
        Append(sequence, 8);
        Assert.NotEqual(0, first);
        Assert.Equal(first, sequence.FirstTokenTimestamp);
        Assert.Equal([7, 8], sequence.NewTokens.ToArray());
    }

    [Fact]
    public void Cancelling_ends_a_text_that_goes_on_and_leaves_the_reason_of_one_that_ended()
    {
        using Sequence sequence = Admit([4], 2, 9);
        using Sequence stopped = Admit([4], 2, 9);
        Append(stopped, 9);
        sequence.Cancel();
        stopped.Cancel();
        Assert.Equal(FinishReason.Cancelled, sequence.FinishReason);
        Assert.Equal(FinishReason.Stop, stopped.FinishReason);
    }

    [Fact]
    public void Later_changes_of_the_caller_s_prompt_do_not_reach_the_sequence()
    {
        int[] prompt = [4, 5];
        using Sequence sequence = Admit(prompt, 2);
        prompt[0] = 9;
        Assert.Equal([4, 5], sequence.Pending.ToArray());
    }

    [Fact]
    public void Disposing_it_gives_the_storage_back()
    {
        using KvPool pool = FakeKvMemory.NewPool();
        KvCache cache = new(pool, 3);
        Commit(cache, 1);
        Assert.Equal(1, pool.Used);
        new Sequence([1], 2, new HashSet<int>(), cache).Dispose();
        Assert.Equal(0, pool.Used);
    }

    // As a step without a draft ends.
    private static void Append(Sequence sequence, int token) => sequence.Append([token], new RoundRecord
    {
        Drafted = 0, Evaluated = 0, Accepted = 0, Appended = 1, VerifierToken = TokenSource.Plain, DraftRows = 0, VerifyRows = 1,
        DraftTime = TimeSpan.Zero, VerifyTime = TimeSpan.Zero,
    });

    private static void Commit(KvCache cache, int rows)
    {
        if (rows > 0)
        {
            using CacheTransaction transaction = new([]);
            transaction.Keep(transaction.Enlist(cache, rows), rows);
            transaction.Commit();
        }
    }

    private static Sequence Admit(int[] prompt, int maxTokens, params int[] endOfSequence) =>
        new(prompt, maxTokens, endOfSequence.ToHashSet(), new KvCache(FakeKvMemory.NewPool(), prompt.Length + maxTokens));
}
