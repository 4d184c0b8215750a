using System.Collections.Frozen;
using SpecDecode.Constraints;
using SpecDecode.Drafting;
using SpecDecode.Models;
using SpecDecode.Plans;
using SpecDecode.Sampling;
using SpecDecode.Sequences;
using SpecDecode.Stages;
using SpecDecode.Stops;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>Checks requests against a model and makes sequences of them. Has no state; safe for concurrent use.</summary>
/// <param name="stages">The model, of which only the sizes are read.</param>
/// <param name="tokenizer">Its tokenizer; null where there is none.</param>
/// <param name="endOfSequence">Tokens that end a text.</param>
/// <param name="kvBytes">Bytes that the keys and values of all sequences may take.</param>
/// <param name="chat">What it has for conversations; null where that is nothing.</param>
/// <param name="drafting">How requests draft; null where nothing is known of the model but its stages.</param>
internal sealed class RequestIntake(
    IStages stages, TextTokenizer? tokenizer, IEnumerable<int> endOfSequence, long kvBytes, ModelChat? chat = null, ModelDrafting? drafting = null)
{
    /// <summary>Most stop tokens of a request.</summary>
    public const int MaxStopTokens = 1024;

    private const string DraftingPlace = "Drafting.";

    private readonly FrozenSet<int> _endOfSequence = endOfSequence.ToFrozenSet();
    private readonly int _affordable = Affordable(stages, kvBytes);
    private readonly ChatIntake _chat = new(chat ?? ModelChat.None, stages.MaxSequenceLength, Affordable(stages, kvBytes));

    /// <summary>How requests draft.</summary>
    public ModelDrafting Drafting { get; } = drafting ?? new(stages.LayerCount, stages.DraftPrecision is not null);

    /// <summary>What takes the requests of a loaded model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="kvBytes">Bytes that the keys and values of all sequences may take.</param>
    public static RequestIntake Of(LoadedModel model, long kvBytes) => new(
        model.Stages, model.Tokenizer, model.Description.EndOfSequence, kvBytes, model.Chat,
        new ModelDrafting(model.Stages.LayerCount, model.Stages.DraftPrecision is not null, model.Identity, model.Profile, model.Stages.Bridges));

    /// <summary>Makes a sequence that has still to be admitted.</summary>
    /// <param name="request">The request.</param>
    /// <param name="defaults">What holds where it does not say.</param>
    /// <param name="cancellationToken">Stops a chat template.</param>
    /// <exception cref="ArgumentException">The request contradicts itself, or one of its numbers is out of range.</exception>
    /// <exception cref="SpecDecodeException">The model cannot serve it: the prompt is empty, too long, or not in the vocabulary.</exception>
    public AcceptedRequest Accept(GenerationRequest request, GenerationDefaults defaults, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if ((request.Prompt is null ? 0 : 1) + (request.Tokens is null ? 0 : 1) + (request.Messages is null ? 0 : 1) != 1)
        {
            throw new ArgumentException("A request needs one of Prompt, Tokens and Messages, and no other.", nameof(request));
        }

        CheckChat(request);

        int wantedTokens = request.MaxTokens ?? defaults.MaxTokens;
        if (wantedTokens < 1)
        {
            throw new ArgumentException($"MaxTokens is {wantedTokens}: ask for at least 1.", nameof(request));
        }

        SamplingOptions sampling = request.Sampling ?? defaults.Sampling;
        Refuse(sampling.Errors(), "Sampling.", nameof(request));
        DraftingOptions wanted = request.Drafting ?? defaults.Drafting;
        Refuse(wanted.Errors(stages.DraftPrecision is not null), DraftingPlace, nameof(request));
        SequenceDrafting? draft = Drafting.Of(wanted, DraftingPlace);

        if (request.Prompt is not null && tokenizer is null)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used: give the prompt as token ids.");
        }

        FrozenSet<int> ends = EndOfText(request);
        RequestRules rules = new(request, sampling, wantedTokens, stages.VocabularySize, tokenizer);
        (int[] prompt, int droppedMessages) = request.Messages is null ? (Prompt(request), 0) : _chat.Encode(request, wantedTokens, cancellationToken);
        CheckTokens(prompt, prompt.Length + 1L);

        // In 64 bits: the number of new tokens is the caller's.
        int longest = request.Overflow == ChatOverflow.DropOldest ? Math.Min(stages.MaxSequenceLength, _affordable) : stages.MaxSequenceLength;
        int maxTokens = (int)Math.Min(wantedTokens, (long)longest - prompt.Length);
        CheckBudget(prompt.Length, maxTokens);
        TokenConstraintContext context = new(prompt, stages.VocabularySize, ends, tokenizer);
        Sequence[] sequences = new Sequence[request.BestOf ?? request.Choices];
        for (int i = 0; i < sequences.Length; i++)
        {
            // Each has a way of drafting of its own, since a policy remembers the sequence there.
            sequences[i] = new Sequence(
                prompt, maxTokens, ends, null, i == 0 ? draft : Drafting.Of(wanted, DraftingPlace),
                new Sampler(sampling with { ChoiceIndex = (int)Math.Min(int.MaxValue, (long)sampling.ChoiceIndex + i) }))
            {
                Constraints = rules.Begin(context),
                Stops = rules.Stop is { } stop ? new StopScan(stop, tokenizer!, prompt) : null,
                LogProbabilities = LogOf(request, sampling, maxTokens),
                PromptLogProbabilities = request.PromptLogProbabilities is { } top ? new LogProbabilityLog(prompt.Length, top, isProcessed: false, 1) : null,
                Deadline = request.Deadline,
                Priority = request.Priority,
                CacheScope = request.CacheScope,
            };
        }

        return new AcceptedRequest(sequences, droppedMessages, rules.Stop, request.Choices);
    }

    // Of the best of several the mean is needed in any case.
    private static LogProbabilityLog? LogOf(GenerationRequest request, SamplingOptions sampling, int maxTokens) =>
        request.LogProbabilities is not null || request.BestOf > request.Choices
            ? new LogProbabilityLog(maxTokens, request.LogProbabilities ?? 0, request.LogProbabilityKind == LogProbabilityKind.Processed, sampling.Temperature)
            : null;

    /// <summary>Refuses a sequence that is empty, too long, or has an id beyond the vocabulary.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="length">How long it will be.</param>
    public void CheckTokens(int[] tokens, long length)
    {
        if (tokens.Length == 0)
        {
            throw new SpecDecodeException("There is no token to start from: give a prompt that is not empty.");
        }

        CheckLength(tokens.Length, length);
        int unknown = Array.FindIndex(tokens, token => (uint)token >= (uint)stages.VocabularySize);
        if (unknown >= 0)
        {
            throw new SpecDecodeException(
                $"Token id {tokens[unknown]} (number {unknown + 1} of {tokens.Length}) is not in the vocabulary: ids go from 0 to {stages.VocabularySize - 1}.");
        }
    }

    /// <summary>Refuses options that do not go with the model.</summary>
    /// <returns>What of them is not used, a sentence each.</returns>
    public IReadOnlyList<string> CheckDrafting(DraftingOptions options)
    {
        Refuse(options.Errors(stages.DraftPrecision is not null), DraftingPlace, nameof(options));
        Drafting.Of(options, DraftingPlace);
        return options.FindProfile() is { } profile ? Drafting.Fit(profile).Warnings : [];
    }

    /// <summary>Refuses a plan for a deeper model, or with a bridge that is not there.</summary>
    public void CheckLayers(LayerPlan plan, string parameter)
    {
        if (plan.Blocks.Any(block => block.Layer >= stages.LayerCount))
        {
            throw new ArgumentException($"The plan names a layer that the model does not have; its last is {stages.LayerCount - 1}.", parameter);
        }

        if (stages.Bridges.FindError(plan) is { } problem)
        {
            throw new ArgumentException(problem, parameter);
        }
    }

    // What can be refused by its length is, before it is copied or encoded.
    private int[] Prompt(GenerationRequest request)
    {
        if (request.Tokens is { } tokens)
        {
            CheckLength(tokens.Count, tokens.Count + 1L);
            return [.. tokens];
        }

        string text = request.Prompt!;
        if (tokenizer!.MostUnitsPerToken is { } units && text.Length > (long)units * stages.MaxSequenceLength)
        {
            throw new SpecDecodeException(
                $"A prompt of {text.Length} characters is too long: a sequence of this model holds {stages.MaxSequenceLength} tokens of at most {units} characters each. Shorten the prompt.");
        }

        int most = (int)Math.Min(int.MaxValue, 2L * stages.MaxSequenceLength);
        return tokenizer.TryEncode(text, most) ?? throw new SpecDecodeException(
            $"A prompt of {text.Length} characters has more than {most} tokens, and a sequence of this model holds {stages.MaxSequenceLength}. Shorten the prompt.");
    }

    // What would have no effect is a mistake.
    private static void CheckChat(GenerationRequest request)
    {
        if (request.TemplateVariables is null || request.Messages?.Contains(null!) == true)
        {
            throw new ArgumentException("A message of the request, or its TemplateVariables, is null: leave it out.", nameof(request));
        }

        if (request.Messages is { Count: 0 })
        {
            throw new ArgumentException("There are no messages: give one at least.", nameof(request));
        }

        if (!Enum.IsDefined(request.Overflow))
        {
            throw new ArgumentException($"Overflow is {request.Overflow}: give Refuse or DropOldest.", nameof(request));
        }

        if (request.Messages is null && (request.Tools is not null || request.TemplateVariables.Count > 0 || request.Overflow != ChatOverflow.Refuse))
        {
            throw new ArgumentException("Tools, TemplateVariables and Overflow go with Messages: leave them out, or give messages.", nameof(request));
        }
    }

    private void CheckLength(int tokens, long length)
    {
        if (length > stages.MaxSequenceLength)
        {
            throw new SpecDecodeException(
                $"{tokens} tokens are too many: a sequence of this model holds {stages.MaxSequenceLength}, new tokens included. Shorten the prompt.");
        }
    }

    private FrozenSet<int> EndOfText(GenerationRequest request)
    {
        FrozenSet<int> models = request.IgnoreEndOfSequence ? FrozenSet<int>.Empty : _endOfSequence;
        if (request.StopTokens is not { Count: > 0 } stopTokens)
        {
            return models;
        }

        if (stopTokens.Count > MaxStopTokens)
        {
            throw new ArgumentException($"There are {stopTokens.Count} stop tokens: give at most {MaxStopTokens}.", nameof(request));
        }

        foreach (int token in stopTokens)
        {
            if ((uint)token >= (uint)stages.VocabularySize)
            {
                throw new ArgumentException(
                    $"The stop token {token} is not in the vocabulary: ids go from 0 to {stages.VocabularySize - 1}.", nameof(request));
            }
        }

        return models.Union(stopTokens).ToFrozenSet();
    }

    private static void Refuse(IEnumerable<string> errors, string place, string parameter)
    {
        if (errors.FirstOrDefault() is { } error)
        {
            throw new ArgumentException(place + error, parameter);
        }
    }

    private void CheckBudget(int promptLength, int maxTokens)
    {
        long bytes = stages.Pages.BytesOf(promptLength + maxTokens);
        if (bytes > kvBytes)
        {
            throw new SpecDecodeException(
                $"The keys and values of {promptLength} prompt and {maxTokens} new tokens take {Megabytes(bytes)} MB, but {Megabytes(kvBytes)} MB are allowed for all sequences: ask for fewer tokens, or raise KvCacheMegabytes.");
        }
    }

    // The longest sequence whose keys and values may be in memory, found by halves.
    private static int Affordable(IStages stages, long kvBytes)
    {
        (int least, int most) = (1, stages.MaxSequenceLength);
        while (least < most)
        {
            int middle = least + ((most - least + 1) / 2);
            (least, most) = stages.Pages.BytesOf(middle) <= kvBytes ? (middle, most) : (least, middle - 1);
        }

        return least;
    }

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
