using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using SpecDecode.Generation;
using SpecDecode.Sampling;

namespace SpecDecode.Tool;

/// <summary>The options that say what a text may have, where it ends, and what is told of it.</summary>
internal sealed class RequestArguments
{
    private const int MostTop = 20;
    private const int MostChoices = 128;

    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "The text ends where it comes to this; may be given more than once.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int[]?> _stopTokens = ListOption.Tokens("--stop-tokens", "Token ids that end the text, besides the model's own.");

    private readonly Option<bool> _includeStop = new("--include-stop") { Description = "Keep the --stop that ended the text in it." };

    private readonly Option<int?> _minTokens = NumberOption.Optional("--min-tokens", "N", "New tokens that the text has at least; by default 0.", min: 0);

    private readonly Option<float?> _repetitionPenalty = NumberOption.Real(
        "--repetition-penalty", "P", "Divides the logits of tokens of prompt and output; by default 1, nothing.",
        number => number is > 0 and <= 100, "a number above 0, at most 100");

    private readonly Option<float?> _frequencyPenalty = Penalty("--frequency-penalty", "Subtracted from a token's logit for each time that it was written; by default 0.");

    private readonly Option<float?> _presencePenalty = Penalty("--presence-penalty", "Subtracted from the logits of tokens that were written; by default 0.");

    private readonly Option<int?> _penaltyWindow = NumberOption.Optional(
        "--penalty-window", "N", "Penalties look at so many of the last tokens; by default 0, all.", min: 0);

    private readonly Option<Dictionary<int, float>?> _logitBias = new("--logit-bias")
    {
        Description = "Numbers that are added to the logits of tokens; -inf bans one.", HelpName = "ID=V,...", CustomParser = ParseBias,
    };

    private readonly Option<string[]> _ban = new("--ban")
    {
        Description = "A phrase that is not written, as the tokens that it has by itself; may be given more than once.", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int?> _logProbabilities = NumberOption.Optional(
        "--logprobs", "N", "With --json: log probabilities of the new tokens, and of the N most probable at their places.", min: 0, max: MostTop);

    private readonly Option<int?> _promptLogProbabilities = NumberOption.Optional(
        "--prompt-logprobs", "N", "With --json: the same of the prompt's tokens.", min: 0, max: MostTop);

    private readonly Option<int?> _choices = NumberOption.Optional("-n", "N", "Texts that are written for the prompt; by default 1.", max: MostChoices);

    private readonly Option<int?> _bestOf = NumberOption.Optional(
        "--best-of", "N", "Write so many texts and give the -n with the highest mean log probability.", max: MostChoices);

    private readonly Option<float?> _deadline = NumberOption.Real(
        "--deadline", "SECONDS", "The text ends when it has taken so long, loading left out.", number => number is > 0 and < 1e6f, "seconds above 0, below a million");

    private readonly Option<int?> _priority = NumberOption.Optional(
        "--priority", "P", "With --prompts: of those who wait the highest comes first; by default 0.", min: int.MinValue);

    private readonly FormatArguments _format;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    public RequestArguments(Command command)
    {
        _format = new FormatArguments(command);
        foreach (Option option in (Option[])
            [
                _stop, _stopTokens, _includeStop, _minTokens, _repetitionPenalty, _frequencyPenalty, _presencePenalty, _penaltyWindow, _logitBias, _ban,
                _logProbabilities, _promptLogProbabilities, _choices, _bestOf, _deadline, _priority,
            ])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Refuses what contradicts itself or has no effect.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="json">The option for one JSON object.</param>
    /// <param name="prompts">The option for many prompts.</param>
    public void Check(CommandResult result, Option json, Option prompts)
    {
        _format.Check(result);
        bool isJson = result.GetResult(json) is not null || result.GetResult(prompts) is not null;
        foreach (Option option in (Option[])[_logProbabilities, _promptLogProbabilities])
        {
            if (result.GetResult(option) is not null && !isJson)
            {
                result.AddError($"{option.Name} has no effect without --json.");
            }
        }

        if (result.GetResult(_includeStop) is not null && result.GetResult(_stop) is null)
        {
            result.AddError("--include-stop has no effect without --stop.");
        }

        if (result.GetResult(_penaltyWindow) is not null
            && result.GetResult(_repetitionPenalty) is null && result.GetResult(_frequencyPenalty) is null && result.GetResult(_presencePenalty) is null)
        {
            result.AddError("--penalty-window has no effect without a penalty.");
        }

        if (Number(result, _bestOf) is { } best && best < (Number(result, _choices) ?? 1))
        {
            result.AddError("--best-of is less than -n: give at least as many.");
        }

        if (result.GetResult(_priority) is not null && result.GetResult(prompts) is null)
        {
            result.AddError("--priority has no effect without --prompts: nobody else waits.");
        }
    }

    /// <summary>A request with what the options ask for.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="request">The request without it, which has its sampling.</param>
    /// <param name="cancellationToken">Ends the reading of a file.</param>
    public GenerationRequest Read(ParseResult arguments, GenerationRequest request, CancellationToken cancellationToken) => request with
    {
        Grammar = _format.Read(arguments, cancellationToken),
        Stop = arguments.GetValue(_stop) ?? [],
        StopTokens = arguments.GetResult(_stopTokens) is null ? [] : arguments.GetValue(_stopTokens) ?? [],
        IncludeStop = arguments.GetValue(_includeStop),
        MinTokens = arguments.GetValue(_minTokens) ?? 0,
        Sampling = request.Sampling! with
        {
            RepetitionPenalty = arguments.GetValue(_repetitionPenalty) ?? 1,
            FrequencyPenalty = arguments.GetValue(_frequencyPenalty) ?? 0,
            PresencePenalty = arguments.GetValue(_presencePenalty) ?? 0,
            PenaltyWindow = arguments.GetValue(_penaltyWindow) ?? 0,
        },
        LogitBias = arguments.GetValue(_logitBias) ?? [],
        BannedPhrases = arguments.GetValue(_ban) ?? [],
        LogProbabilities = arguments.GetValue(_logProbabilities),
        PromptLogProbabilities = arguments.GetValue(_promptLogProbabilities),
        Choices = arguments.GetValue(_choices) ?? 1,
        BestOf = arguments.GetValue(_bestOf),
        Deadline = arguments.GetValue(_deadline) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        Priority = arguments.GetValue(_priority) ?? 0,
    };

    /// <summary>What of a request decides its text, in words, apart from prompt and sampling's own options.</summary>
    public static string Describe(GenerationRequest request)
    {
        SamplingOptions sampling = request.Sampling!;
        string bias = string.Join(',', request.LogitBias.OrderBy(pair => pair.Key).Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value:r}")));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Lengths(request.Stop)} {string.Join(',', request.StopTokens)} {request.IncludeStop} {request.MinTokens} {sampling.RepetitionPenalty:r} {sampling.FrequencyPenalty:r} {sampling.PresencePenalty:r} {sampling.PenaltyWindow} {bias} {Lengths(request.BannedPhrases)} {request.LogProbabilities} {request.PromptLogProbabilities} {request.Choices} {request.BestOf} {request.Deadline} {request.Grammar}");

        static string Lengths(IReadOnlyList<string> texts) => string.Join(',', texts.Select(text => $"{text.Length}:{text}"));
    }

    /// <summary>What a model refuses of a request, as a sentence of the command.</summary>
    /// <param name="error">What it threw.</param>
    public static SpecDecodeException Refusal(ArgumentException error)
    {
        // Without the name of the parameter, which no one has given here.
        int end = error.Message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return new SpecDecodeException(end < 0 ? error.Message : error.Message[..end], error);
    }

    private static int? Number(CommandResult result, Option<int?> option) => result.GetResult(option) is { } given && !given.Errors.Any() ? given.GetValueOrDefault<int?>() : null;

    private static Option<float?> Penalty(string name, string description) =>
        NumberOption.Real(name, "P", description, number => number is >= -2 and <= 2, "a number from -2 to 2");

    private static Dictionary<int, float>? ParseBias(ArgumentResult argument)
    {
        Dictionary<int, float> bias = [];
        foreach (string part in argument.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] sides = part.Split('=');
            if (sides.Length != 2 || !int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out int token) || Number(sides[1]) is not { } number)
            {
                argument.AddError($"--logit-bias: '{part}' is not a token id and a number; write them as ID=V, separated by commas, such as 5=1.5,7=-inf.");
                return null;
            }

            if (!bias.TryAdd(token, number))
            {
                argument.AddError($"--logit-bias names token {token} twice.");
                return null;
            }
        }

        return bias;
    }

    private static float? Number(string text) => text == "-inf" ? float.NegativeInfinity
        : float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) && float.IsFinite(number) ? number
        : null;
}
