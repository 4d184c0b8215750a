using System.Text;
using SpecDecode.Stops;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Stops;

public class StopStringsTests
{
    private static readonly TextTokenizer Tokenizer = TextTokenizer.LoadFromFolder(TestFolders.StoryModel);

    // Parts of texts: letters that stop strings are made of, and characters of several bytes and units.
    private static readonly string[] Parts = ["a", "b", "ab", "ba", "c", " a", "é", "😀", "👩‍👧", "한", "\n", "the ", "abc"];

    [Fact]
    public void The_automaton_finds_what_a_search_by_hand_finds()
    {
        Random random = new(1);
        int found = 0;
        for (int turn = 0; turn < 200_000; turn++)
        {
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Text(random, random.Next(1, 5), "abc"))];
            StopStrings automaton = new(stops);
            string text = Text(random, random.Next(1, 12), "abcd");
            int state = StopStrings.Start;
            for (int end = 1; end <= text.Length; end++)
            {
                state = automaton.Next(state, text[end - 1]);
                string beginning = text[..end];
                string? longest = stops.Where(stop => beginning.EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
                int pending = Enumerable.Range(0, end + 1).Where(length => stops.Any(stop => stop.StartsWith(beginning[^length..], StringComparison.Ordinal))).Max();
                if (longest != automaton.Found(state) || pending != automaton.Pending(state))
                {
                    Assert.Fail($"Case {turn}: stops {string.Join('|', stops)}, text {beginning}: {automaton.Found(state)} and {automaton.Pending(state)}, not {longest} and {pending}.");
                }

                found += longest is null ? 0 : 1;
            }
        }

        Assert.True(found > 100_000, $"{found} found");
    }

    [Fact]
    public void Text_ends_before_the_first_match_wherever_tokens_are_cut_and_nothing_of_it_is_given_out()
    {
        Random random = new(2);
        int stopped = 0;
        for (int turn = 0; turn < TestScale.Cases(20_000, 400_000); turn++)
        {
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => string.Concat(random.GetItems(Parts, random.Next(1, 4))))];
            StopRule rule = new(new StopStrings(stops), random.Next(3) == 0, random.Next(3) == 0 ? random.Next(8) : 0);
            int[] tokens = Tokens(random);
            (string expected, int? last) = Reference(tokens, stops, rule);

            StopText reader = new(Tokenizer.CreateStream(), rule);
            StopScan scan = new(rule, Tokenizer, ReadOnlyMemory<int>.Empty);
            StringBuilder given = new();
            for (int i = 0; i < tokens.Length; i++)
            {
                given.Append(reader.Append(tokens[i]));
                bool isLast = scan.Sees(tokens.AsSpan(0, i), 0, [tokens[i]]);
                Assert.StartsWith(given.ToString(), expected, StringComparison.Ordinal);
                Assert.Equal(i == last, isLast);
                if (isLast)
                {
                    stopped++;
                    break;
                }
            }

            given.Append(reader.Flush());
            Assert.Equal(expected, given.ToString());
        }

        Assert.True(stopped > 3_000, $"{stopped} stopped");
    }

    [Fact]
    public void A_scan_that_is_ahead_of_a_step_that_failed_begins_anew()
    {
        Random random = new(3);
        for (int turn = 0; turn < 5_000; turn++)
        {
            string[] stops = [string.Concat(random.GetItems(Parts, 2)), "ab"];
            StopRule rule = new(new StopStrings(stops), false, 0);
            int[] tokens = Tokens(random);
            StopScan scan = new(rule, Tokenizer, ReadOnlyMemory<int>.Empty);
            (_, int? last) = Reference(tokens, stops, rule);
            int committed = 0;
            while (committed < tokens.Length)
            {
                // A round settles some tokens; now and then its step fails and is run again.
                int length = Math.Min(random.Next(1, 5), tokens.Length - committed);
                int? seen = null;
                for (int place = 0; place < length && seen is null; place++)
                {
                    seen = scan.Sees(tokens.AsSpan(0, committed), place, tokens.AsSpan(committed, place + 1)) ? committed + place : null;
                }

                if (random.Next(3) == 0)
                {
                    continue;
                }

                Assert.Equal(last < committed + length ? last : null, seen);
                if (seen is not null)
                {
                    break;
                }

                committed += length;
            }
        }
    }

    [Fact]
    public void A_stop_string_of_sixty_thousand_characters_is_found_in_its_time()
    {
        string stop = new('a', StopStrings.MaxUnits - 1);
        StopStrings automaton = new([stop + "b"]);
        int state = StopStrings.Start;
        for (int i = 0; i < 200_000; i++)
        {
            state = automaton.Next(state, 'a');
        }

        Assert.Equal(stop.Length, automaton.Pending(state));
        Assert.NotNull(automaton.Found(automaton.Next(state, 'b')));
    }

    // Text of a few parts, cut into tokens as it comes: whole words, bytes, and halves of characters.
    private static int[] Tokens(Random random)
    {
        List<int> tokens = [];
        foreach (string part in random.GetItems(Parts, random.Next(1, 9)))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            tokens.AddRange(random.Next(2) == 0 ? Tokenizer.Encode(part, addSpecialTokens: false) : bytes.Select(Byte));
        }

        return [.. tokens];
    }

    // The token of a byte: the vocabulary begins with the end of text and then has all bytes in order.
    private static int Byte(byte value) => value + 1;

    // Token by token: all of the text so far is searched by hand, at every end in turn.
    private static (string Text, int? Last) Reference(int[] tokens, string[] stops, StopRule rule)
    {
        string before = "";
        for (int i = 0; i < tokens.Length; i++)
        {
            TokenTextStream stream = Tokenizer.CreateStream();
            string text = string.Concat(tokens[..(i + 1)].Select(stream.Append));
            for (int end = before.Length + 1; end <= text.Length && i >= rule.MinTokens; end++)
            {
                if (stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length) is { } found)
                {
                    return (text[..(rule.IsIncluded ? end : end - found.Length)], i);
                }
            }

            before = text;
        }

        return (Tokenizer.Decode(tokens), null);
    }

    private static string Text(Random random, int length, string letters) => new(random.GetItems(letters.AsSpan(), length));
}
