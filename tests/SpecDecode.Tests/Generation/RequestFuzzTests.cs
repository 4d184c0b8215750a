using SpecDecode.Generation;
using SpecDecode.Sampling;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Generation;

/// <summary>
/// Requests that ask for anything: each is answered or refused with a sentence, in bounded time and memory. Memory is counted of the whole process, so nothing else may run
/// beside it.
/// </summary>
[Collection(Alone.Name)]
public class RequestFuzzTests
{
    private const int Together = 64;

    // Of what hangs, not of what is slow.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Whatever_a_request_asks_for_it_is_answered_or_refused_with_a_sentence_in_bounded_time_and_memory()
    {
        using ScriptedService service = new(maxSequences: 6, maxQueue: 1_000);
        int cases = TestScale.Cases(20_000, 2_000_000);
        Counts counts = new();

        // Code is compiled and tables are filled before anything is counted.
        for (int seed = -1_000; seed < 0; seed++)
        {
            await Run(service, seed, new Counts());
        }

        double fullest = 0;
        for (int first = 0; first < cases; first += Together)
        {
            int[] seeds = [.. Enumerable.Range(first, Math.Min(Together, cases - first))];
            if (first / Together % 2 == 0)
            {
                // Many at the same time, which wait for each other and share passes.
                long most = seeds.Sum(seed => MostBytes(Draw(new Random(seed))));
                long bytes = await Allocated(counts => Task.WhenAll(seeds.Select(seed => Run(service, seed, counts))), most, counts);
                fullest = Math.Max(fullest, (double)bytes / most);
                Assert.True(bytes <= most, $"The cases of the seeds {seeds[0]} to {seeds[^1]} together allocated {bytes} bytes, and may {most}.");
                continue;
            }

            foreach (int seed in seeds)
            {
                long most = MostBytes(Draw(new Random(seed)));
                long bytes = await Allocated(counts => Run(service, seed, counts), most, counts);
                fullest = Math.Max(fullest, (double)bytes / most);
                Assert.True(bytes <= most, $"The case of seed {seed} allocated {bytes} bytes, and may {most}: {Draw(new Random(seed))}");
            }
        }

        TestContext.Current.SendDiagnosticMessage(FormattableString.Invariant(
            $"{cases} requests: {counts.Answered} answered, {counts.Refused} refused, {counts.Failed} failed; at most {fullest:p0} of the memory that one may take"));
        Assert.True(counts.Answered > cases / 10 && counts.Refused > cases / 10, $"{counts.Answered} answered, {counts.Refused} refused, {counts.Failed} failed");
        await service.AssertNothingIsHeld();
    }

    // By texts, tokens and what is told of each token: a request takes memory in proportion to these, whatever else it says. The scripted model's own passes are in it.
    private static long MostBytes(GenerationRequest request)
    {
        long texts = Math.Clamp(Math.Max(request.Choices, request.BestOf ?? 1), 1, 128);
        long tokens = request.Tokens!.Count + request.MaxTokens!.Value;
        long told = 2 + Math.Clamp(request.LogProbabilities ?? 0, 0, 20) + Math.Clamp(request.PromptLogProbabilities ?? 0, 0, 20);
        return 96_000 + texts * (24_000 + tokens * (2_500 + 100 * told));
    }

    // Now and then the runtime allocates on its own, where it compiles something: what is too much counts where it comes again each time.
    private static async Task<long> Allocated(Func<Counts, Task> work, long most, Counts counts)
    {
        long least = long.MaxValue;
        for (int turn = 0; turn < 4 && least > most; turn++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await work(turn == 0 ? counts : new Counts());
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }

    private static async Task Run(ScriptedService service, int seed, Counts counts)
    {
        GenerationRequest request = Draw(new Random(seed));
        try
        {
            // Not on this thread, which would hang where the call does.
            GenerationResult result = await Task.Run(
                () => service.Generator.CompleteAsync(request, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken).WaitAsync(MostTime, TestContext.Current.CancellationToken);
            string said = $"seed {seed}: {result}";
            Assert.True(result.FinishReason is FinishReason.Length or FinishReason.Stop or FinishReason.Deadline, said);
            Assert.True(result.FinishReason == FinishReason.Deadline || result.Tokens.Count > request.MinTokens || result.FinishReason == FinishReason.Length, said);
            Assert.False(result.Tokens.Intersect(request.BannedTokens).Any(), said);
            Assert.True(result.Choices.Count == (request.Choices == 1 ? 0 : request.Choices), said);
            Assert.True(result.LogProbabilities?.Count == (request.LogProbabilities is null && !(request.BestOf > request.Choices) ? null : result.Tokens.Count), said);
            Interlocked.Increment(ref counts.Answered);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"The case of seed {seed} has not ended after {MostTime.TotalSeconds} s: {request}");
        }
        catch (ArgumentException error)
        {
            Assert.True(error.Message.Contains(": ", StringComparison.Ordinal), $"seed {seed}: {error.Message}");
            Interlocked.Increment(ref counts.Refused);
        }
        catch (SpecDecodeException)
        {
            Interlocked.Increment(ref counts.Failed);
        }
    }

    private static GenerationRequest Draw(Random random)
    {
        int vocabulary = ScriptedService.Model.Vocabulary;
        bool Rarely() => random.Next(24) == 0;
        bool Half() => random.Next(2) == 0;
        float Wild() => random.Next(6) switch { 0 => float.NaN, 1 => float.PositiveInfinity, 2 => float.NegativeInfinity, 3 => float.MaxValue, 4 => -1e30f, _ => -random.NextSingle() };
        int Id() => Rarely() ? random.Next(-3, vocabulary + 3) : random.Next(vocabulary);
        return ScriptedService.Request(random.Next(100), 1 + random.Next(6), 1 + random.Next(12)) with
        {
            MinTokens = Rarely() ? random.Next(-2, 40) : Half() ? 0 : 1,
            StopTokens = Half() ? [] : [.. Enumerable.Range(0, random.Next(4)).Select(_ => Id())],
            BannedTokens = Half() ? [] : [.. Enumerable.Range(0, random.Next(6)).Select(_ => Id())],
            Stop = Rarely() ? [""] : Rarely() ? ["a"] : [],
            IncludeStop = Rarely(),
            BannedPhrases = Rarely() ? ["x"] : [],
            LogitBias = Half() ? new Dictionary<int, float>() : Enumerable.Range(0, random.Next(4)).Select(_ => Id()).Distinct().ToDictionary(id => id, _ => Rarely() ? Wild() : 4 * random.NextSingle() - 2),
            LogProbabilities = Half() ? null : Rarely() ? random.Next(-2, 30) : random.Next(21),
            PromptLogProbabilities = Half() ? null : Rarely() ? random.Next(-2, 30) : random.Next(5),
            LogProbabilityKind = Rarely() ? (LogProbabilityKind)random.Next(-1, 4) : LogProbabilityKind.Raw,
            Choices = Rarely() ? random.Next(-2, 200) : 1 + random.Next(3),
            BestOf = Half() ? null : random.Next(Rarely() ? 200 : 5),
            Deadline = Rarely() ? TimeSpan.FromTicks(random.NextInt64(-5, 1L << random.Next(1, 62))) : null,
            Priority = random.Next(),
            Drafting = Half() ? null : ScriptedService.Draft,
            Sampling = Half() ? null : new SamplingOptions
            {
                Temperature = Half() ? 0 : 1, Seed = 1, TopNSigma = Rarely() ? Wild() : Half() ? 0 : 1,
                RepetitionPenalty = Rarely() ? Wild() : 1 + random.NextSingle(), FrequencyPenalty = Rarely() ? Wild() : random.NextSingle(),
                PresencePenalty = Rarely() ? Wild() : random.NextSingle(), PenaltyWindow = Rarely() ? random.Next(-2, 5) : random.Next(9),
            },
        };
    }

    private sealed class Counts
    {
        public int Answered;
        public int Refused;
        public int Failed;
    }
}
