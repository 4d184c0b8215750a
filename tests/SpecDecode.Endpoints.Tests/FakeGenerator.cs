using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using SpecDecode.ChatTemplates;
using SpecDecode.Drafting;
using SpecDecode.Generation;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Endpoints;

/// <summary>A generator that answers what a test says, in pieces of a few characters, each a token.</summary>
internal sealed class FakeGenerator(Func<GenerationRequest, string> answer, string? template = Chats.Plain) : ITextGenerator
{
    private readonly ConcurrentQueue<GenerationRequest> _requests = [];

    public FakeGenerator(string answer, string? template = Chats.Plain)
        : this(_ => answer, template)
    {
    }

    /// <summary>Requests that came, in their order.</summary>
    public GenerationRequest[] Requests => [.. _requests];

    /// <summary>Thrown at the first read.</summary>
    public Exception? Error { get; init; }

    /// <summary>Thrown after so many tokens, as <see cref="Error"/>; null before any.</summary>
    public int? ErrorAfter { get; init; }

    /// <summary>Whether texts never end by themselves.</summary>
    public bool IsEndless { get; init; }

    public FinishReason Reason { get; init; } = FinishReason.Stop;

    /// <summary>Texts that are being read.</summary>
    public int Live;

    /// <summary>Ends with the first text that is cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ModelInfo Model { get; } = new() { Name = "fake", LayerCount = 2, VocabularySize = 100, MaxSequenceLength = 4096 };

    public TextTokenizer? Tokenizer => ChatTokenizer?.Tokenizer;

    public ChatTokenizer? ChatTokenizer { get; } = template is null ? null : Chats.Of(template);

    public GenerationDefaults Defaults { get; init; } = new();

    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        _requests.Enqueue(request);
        return Write(request, cancellationToken);
    }

    public async Task<GenerationResult> CompleteAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        GenerationResult? result = null;
        await foreach (GenerationUpdate update in GenerateAsync(request, cancellationToken))
        {
            result = update.Result;
        }

        return result!;
    }

    private async IAsyncEnumerable<GenerationUpdate> Write(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Error is not null && ErrorAfter is null)
        {
            throw Error;
        }

        Interlocked.Increment(ref Live);
        try
        {
            string text = answer(request);
            string[] pieces = [.. text.Chunk(3).Select(piece => new string(piece))];
            for (int i = 0; i < pieces.Length || IsEndless; i++)
            {
                if (i == ErrorAfter)
                {
                    throw Error!;
                }

                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                yield return new GenerationUpdate { Token = i, Text = IsEndless ? "x" : pieces[i], Source = Source(i) };
                if (IsEndless)
                {
                    await Task.Delay(5, cancellationToken);
                }
            }

            yield return new GenerationUpdate { Token = pieces.Length, Text = "", Source = Source(pieces.Length), Result = Result(text, pieces.Length + 1) };
        }
        finally
        {
            Interlocked.Decrement(ref Live);
            if (cancellationToken.IsCancellationRequested)
            {
                Cancelled.TrySetResult();
            }
        }
    }

    // P, then rounds of an accepted token and a correction.
    private static TokenSource Source(int i) => i == 0 ? TokenSource.Plain : i % 2 == 1 ? TokenSource.AcceptedDraft : TokenSource.Correction;

    private GenerationResult Result(string text, int tokens) => new()
    {
        PromptTokens = 7,
        Tokens = [.. Enumerable.Range(0, tokens)],
        Text = text,
        FinishReason = Reason,
        Drafting = new DraftingStatistics { Rounds = tokens / 2, OutputTokens = tokens - 1, Drafted = tokens, Accepted = tokens / 2, AcceptedPerPosition = [tokens / 2] },
        QueueTime = TimeSpan.Zero,
        PrefillTime = TimeSpan.FromMilliseconds(2),
        DecodeTime = TimeSpan.FromMilliseconds(5),
    };
}
