using SpecDecode.Constraints;
using SpecDecode.Sampling;
using SpecDecode.Stops;
using SpecDecode.Tokenizers;

namespace SpecDecode.Generation;

/// <summary>
/// What a request says about its tokens, checked: stop strings, and constraints in the order in which they change logits, which is that of vLLM: the grammar, bans, least
/// length, bias, the user's own, penalties; then temperature and limits.
/// </summary>
internal sealed class RequestRules
{
    /// <summary>Most choices of a request.</summary>
    public const int MaxChoices = 128;

    private const int MaxTop = 20;

    // The parameter of those who take requests.
    private const string Parameter = "request";

    private readonly List<ITokenConstraint> _constraints = [];

    /// <summary>Checks a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="sampling">How its tokens are chosen, checked.</param>
    /// <param name="wantedTokens">Its most tokens.</param>
    /// <param name="vocabularySize">Number of token ids V.</param>
    /// <param name="tokenizer">The model's; null where there is none.</param>
    /// <exception cref="ArgumentException">Something of it is out of range.</exception>
    /// <exception cref="SpecDecodeException">It needs a tokenizer, and there is none.</exception>
    public RequestRules(GenerationRequest request, SamplingOptions sampling, int wantedTokens, int vocabularySize, TextTokenizer? tokenizer)
    {
        CheckNumbers(request, wantedTokens);
        Stop = StopOf(request, tokenizer);
        if (request.Grammar is { } grammar)
        {
            _constraints.Add(new GrammarConstraint(grammar));
        }

        if (request.BannedTokens is { Count: > 0 } banned)
        {
            CheckIds(banned, vocabularySize, nameof(request.BannedTokens));
            _constraints.Add(new LogitBias([.. banned.Distinct().Select(token => KeyValuePair.Create(token, float.NegativeInfinity))]));
        }

        if (request.BannedPhrases is { Count: > 0 } phrases)
        {
            CheckTexts(phrases, nameof(request.BannedPhrases));
            TextTokenizer encoder = Tokenizer(tokenizer, nameof(request.BannedPhrases));
            _constraints.Add(BannedPhrases.Of(phrases, text => encoder.Encode(text, addSpecialTokens: false)));
        }

        if (request.MinTokens > 0)
        {
            _constraints.Add(new LeastLength(request.MinTokens));
        }

        if (request.LogitBias is { Count: > 0 } bias)
        {
            CheckIds(bias.Keys, vocabularySize, nameof(request.LogitBias));
            foreach ((int token, float number) in bias)
            {
                if (float.IsNaN(number) || float.IsPositiveInfinity(number))
                {
                    throw Wrong($"The LogitBias of token {token} is {number}: give a finite number, or -∞ to ban it.");
                }
            }

            _constraints.Add(new LogitBias(bias));
        }

        foreach (ITokenConstraint constraint in request.Constraints ?? [])
        {
            _constraints.Add(constraint ?? throw Wrong("One of the Constraints is null: leave it out."));
        }

        if (sampling.HasPenalty)
        {
            _constraints.Add(new TokenPenalties(sampling.RepetitionPenalty, sampling.FrequencyPenalty, sampling.PresencePenalty, sampling.PenaltyWindow));
        }
    }

    /// <summary>At which strings the text stops; null for none.</summary>
    public StopRule? Stop { get; }

    /// <summary>Begins the constraints of one text; null where there are none.</summary>
    public SequenceConstraints? Begin(TokenConstraintContext context) => _constraints.Count == 0 ? null : new SequenceConstraints(_constraints, context);

    private static ArgumentException Wrong(string message, string parameter = Parameter) => new(message, parameter);

    private static TextTokenizer Tokenizer(TextTokenizer? tokenizer, string what) => tokenizer
        ?? throw new SpecDecodeException($"The model has no tokenizer that can be used, so {what} cannot be found in its text: leave it out, or give token ids.");

    private static StopRule? StopOf(GenerationRequest request, TextTokenizer? tokenizer)
    {
        if (request.Stop is not { Count: > 0 } stop)
        {
            return request.IncludeStop ? throw Wrong("IncludeStop has no effect without a stop string: give one, or leave it out.") : null;
        }

        CheckTexts(stop, nameof(request.Stop));
        Tokenizer(tokenizer, nameof(request.Stop));
        return new StopRule(new StopStrings(stop), request.IncludeStop, request.MinTokens);
    }

    private static void CheckNumbers(GenerationRequest request, int wantedTokens)
    {
        if (request.MinTokens < 0 || request.MinTokens > wantedTokens)
        {
            throw Wrong($"MinTokens is {request.MinTokens}: give 0 to MaxTokens, which is {wantedTokens}.");
        }

        CheckTop(request.LogProbabilities, nameof(request.LogProbabilities));
        CheckTop(request.PromptLogProbabilities, nameof(request.PromptLogProbabilities));
        if (!Enum.IsDefined(request.LogProbabilityKind))
        {
            throw Wrong($"LogProbabilityKind is {request.LogProbabilityKind}: give Raw or Processed.");
        }

        if (request.Choices is < 1 or > MaxChoices)
        {
            throw Wrong($"Choices is {request.Choices}: give 1 to {MaxChoices}.");
        }

        if (request.BestOf is { } best && (best < request.Choices || best > MaxChoices))
        {
            throw Wrong($"BestOf is {best}: give at least Choices, which is {request.Choices}, and at most {MaxChoices}.");
        }

        if (request.Deadline is { } deadline && deadline <= TimeSpan.Zero)
        {
            throw Wrong($"Deadline is {deadline}: give a time above 0, or none.");
        }

        static void CheckTop(int? top, string name)
        {
            if (top is < 0 or > MaxTop)
            {
                throw Wrong($"{name} is {top}: give 0 to {MaxTop}.");
            }
        }
    }

    private static void CheckTexts(IReadOnlyList<string> texts, string name)
    {
        long units = 0;
        foreach (string text in texts)
        {
            if (string.IsNullOrEmpty(text))
            {
                throw Wrong($"One of {name} is empty: leave it out.");
            }

            units += text.Length;
        }

        if (units > StopStrings.MaxUnits)
        {
            throw Wrong($"{name} has {units} characters: give at most {StopStrings.MaxUnits}, all texts together.");
        }
    }

    private static void CheckIds(IEnumerable<int> ids, int vocabularySize, string name)
    {
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)vocabularySize)
            {
                throw Wrong($"The token {id} of {name} is not in the vocabulary: ids go from 0 to {vocabularySize - 1}.");
            }
        }
    }
}
