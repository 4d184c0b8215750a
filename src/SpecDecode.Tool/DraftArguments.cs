using System.CommandLine;
using System.CommandLine.Parsing;
using SpecDecode.Drafting;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Generation;
using SpecDecode.Plans;
using static SpecDecode.Drafting.DraftingStrategy;

namespace SpecDecode.Tool;

/// <summary>The options that say how a model drafts for itself.</summary>
internal sealed class DraftArguments
{
    /// <summary>The option that names the strategy.</summary>
    public const string StrategyOption = "--draft";

    /// <summary>The option that names a profile.</summary>
    public const string ProfileOption = "--draft-profile";

    /// <summary>The option that asks for a copy of the weights.</summary>
    public const string PrecisionOption = "--draft-precision";

    private const string VocabularyOption = "--draft-vocabulary";
    private const string HeadPrecisionOption = "--draft-head-precision";

    private readonly Option<string?> _draft = new(StrategyOption)
    {
        Description = "How the model drafts for itself, by default auto: where that pays; none is plain decoding. A copy of the weights, or a profile, drafts by itself without it. The text is the same.",
    };

    private readonly Option<int?> _exitLayer = NumberOption.Optional("--exit-layer", "E", "auto, early-exit: the drafter runs layers 0 to E - 1.");
    private readonly Option<int[]?> _skipAttention = ListOption.Layers("--skip-attention", "auto, layer-skip: layers whose attention the drafter leaves out, from 0: 3,5-7.");
    private readonly Option<int[]?> _skipMlp = ListOption.Layers("--skip-mlp", "auto, layer-skip: layers whose MLP the drafter leaves out, from 0: 3,5-7.");

    private readonly Option<int?> _length = NumberOption.Optional(
        "--draft-length", "K", $"Tokens that are drafted in a round; with auto, lookup and swift at most so many, by default {new DraftingOptions { Strategy = Auto }.DraftLength}, else {DraftingOptions.DefaultDraftLength}.", max: DraftingOptions.MaxDraftLength);

    private readonly Option<float?> _threshold = NumberOption.Probability(
        "--draft-threshold", "P", "Draft no further once a draft token's probability is below this; by default 0, which never stops.");

    private readonly Option<int[]?> _cascadeExits = ListOption.Layers("--cascade-exits", "Earlier exits that guess tokens for early-exit and layer-skip, from 1: 2 or 2,4; the drafter judges several in one pass.");

    private readonly Option<int?> _cascadeLength = NumberOption.Optional(
        "--cascade-length", "N", $"Tokens that such an exit guesses before they are judged; by default {DraftingOptions.DefaultCascadeLength}.", max: DraftingOptions.MaxDraftLength);

    private readonly Option<float?> _cascadeThreshold = NumberOption.Probability(
        "--cascade-threshold", "P", "Guess no further once a guess's probability is below this; by default 0, which never stops.");

    private readonly Option<string?> _policy = new("--draft-policy")
    {
        Description = "Who decides how far early-exit and layer-skip draft; by default fixed: --draft-length and --draft-threshold.",
    };

    private readonly Option<string?> _profile = new(ProfileOption)
    {
        Description = "Draft as this file says that the model drafts best; with --draft auto, choose from its plans.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _precision = new(PrecisionOption)
    {
        Description = "The drafter runs on a second copy of the weights in this precision; without --draft, all layers of it, and --draft auto has it among its plans.",
    };

    private readonly Option<int?> _vocabulary = NumberOption.Optional(
        VocabularyOption, "N", "Drafts choose from N tokens, those seen lately; 0 is all of them. By default 4096 of a large vocabulary.", min: 0);

    private readonly Option<string?> _headPrecision = new(HeadPrecisionOption)
    {
        Description = "Drafts score with a copy of the LM head in this precision; by default with the head itself.",
    };

    // Each says how to draft in the place of --draft.
    private readonly Option[] _others;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="others">With one of these it drafts in ways of its own.</param>
    public DraftArguments(Command command, params Option[] others)
    {
        _others = others;
        _draft.AcceptWords([.. Strategies]);
        _policy.AcceptWords(DraftingPolicy.Fixed, DraftingPolicy.AdaptiveThreshold, DraftingPolicy.ConfidenceStop);
        _precision.AcceptWords(PrecisionArguments.Name(Precision.Int8), PrecisionArguments.Name(Precision.Int4));
        _headPrecision.AcceptWords(PrecisionArguments.Name(Precision.Int8), PrecisionArguments.Name(Precision.Int4));
        foreach (Option option in (Option[])[_draft, _exitLayer, _skipAttention, _skipMlp, _length, _threshold, _cascadeExits, _cascadeLength, _cascadeThreshold, _policy, _precision, _vocabulary, _headPrecision, _profile])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(Check);
    }

    /// <summary>The strategies that may be asked for.</summary>
    public static IReadOnlyList<string> Strategies { get; } = [None, Auto, EarlyExit, LayerSkip, Lookup, Swift];

    /// <summary>Whether an option says what is loaded for drafts, and not how they are made.</summary>
    /// <param name="option">Its name.</param>
    public static bool IsOfModel(string option) => option is PrecisionOption or VocabularyOption or HeadPrecisionOption;

    /// <summary>Refuses a profile that cannot be read, ahead of the model, which may take long to load.</summary>
    /// <exception cref="SpecDecodeException">It cannot be read, or is damaged.</exception>
    public void CheckProfile(ParseResult arguments)
    {
        if (arguments.GetValue(_profile) is { } path)
        {
            DraftingProfile.Load(path);
        }
    }

    /// <summary>What the options ask for.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="model">The model that drafts.</param>
    /// <param name="error">Where warnings go.</param>
    /// <exception cref="SpecDecodeException">A layer that the model does not have, or a profile that is not its own.</exception>
    public DraftingOptions Read(ParseResult arguments, TextModel model, TextWriter error)
    {
        if (WithProfile(arguments) is not { } options)
        {
            return Read(arguments, model.LayerCount);
        }

        foreach (string warning in model.CheckDrafting(options))
        {
            error.WriteLine($"specdecode: warning: {warning}");
        }

        return options;
    }

    private DraftingOptions? WithProfile(ParseResult arguments)
    {
        if (arguments.GetValue(_profile) is not { } path)
        {
            return null;
        }

        DraftingOptions options = new() { Strategy = arguments.GetValue(_draft), Profile = path };
        return arguments.GetValue(_length) is { } most ? options with { DraftLength = most } : options;
    }

    private DraftingOptions Read(ParseResult arguments, int layerCount)
    {
        string strategy = Strategy(arguments.CommandResult);
        if (strategy == None && WeightPrecision(arguments) is null)
        {
            return DraftingOptions.None;
        }

        if (strategy is Auto or Lookup or Swift)
        {
            DraftingOptions options = new()
            {
                Strategy = strategy, ExitLayer = arguments.GetValue(_exitLayer),
                SkipAttention = arguments.GetValue(_skipAttention) ?? [], SkipMlp = arguments.GetValue(_skipMlp) ?? [],
            };
            return arguments.GetValue(_length) is { } most ? options with { DraftLength = most } : options;
        }

        LayerPlan plan = PlanArguments.Read(
            layerCount, arguments.GetValue(_exitLayer), arguments.GetValue(_skipAttention) ?? [], arguments.GetValue(_skipMlp) ?? []);
        DraftingOptions fixedPlan = DraftingOptions.Of(plan) with
        {
            Threshold = arguments.GetValue(_threshold) ?? 0, Policy = arguments.GetValue(_policy) ?? DraftingPolicy.Fixed,
            CascadeExits = arguments.GetValue(_cascadeExits) ?? [], CascadeThreshold = arguments.GetValue(_cascadeThreshold) ?? 0,
        };
        if (arguments.GetValue(_cascadeLength) is { } guesses)
        {
            fixedPlan.CascadeLength = guesses;
        }

        return arguments.GetValue(_length) is { } length ? fixedPlan with { DraftLength = length } : fixedPlan;
    }

    /// <summary>Sets what is loaded for drafts.</summary>
    public void Set(ParseResult arguments, ModelOptions options)
    {
        options.DraftPrecision = WeightPrecision(arguments);
        options.DraftVocabulary = arguments.GetValue(_vocabulary);
        options.DraftHeadPrecision = HeadPrecision(arguments);
    }

    /// <summary>The precision of the copy of the weights that drafts; null where there is none.</summary>
    public Precision? WeightPrecision(ParseResult arguments) => PrecisionArguments.PrecisionOf(arguments.GetValue(_precision));

    /// <summary>The precision of a head of their own for drafts; null where there is none.</summary>
    public Precision? HeadPrecision(ParseResult arguments) => PrecisionArguments.PrecisionOf(arguments.GetValue(_headPrecision));

    /// <summary>Whether drafts run layers of the model, or of its copy.</summary>
    public bool RunsLayers(ParseResult arguments) => arguments.GetResult(_draft) is null || Strategy(arguments.CommandResult) is not (None or Lookup);

    /// <summary>The first given option that says how drafts are made, and not what is loaded for them; null where none is.</summary>
    public string? FindGiven(CommandResult result) =>
        Array.Find((Option[])[_draft, _profile, _exitLayer, _skipAttention, _skipMlp, _length, _threshold, _policy, .. Cascade], option => result.GetResult(option) is not null)?.Name;

    /// <summary>The first given option that says what is loaded for drafts; null where none is.</summary>
    public string? FindOfModel(CommandResult result) => Array.Find(OfModel, option => result.GetResult(option) is not null)?.Name;

    /// <summary>The value of <c>--draft-precision</c> as it was typed; null where there is none.</summary>
    public string? PrecisionWord(CommandResult result) => result.GetResult(_precision) is { Tokens: [{ Value: var precision }] } ? precision : null;

    private Option[] OfModel => [_precision, _vocabulary, _headPrecision];

    private Option[] Cascade => [_cascadeExits, _cascadeLength, _cascadeThreshold];

    // As it was typed: a value that is not allowed is the parser's to refuse. None where a profile, or a copy of the weights, says how.
    private string Strategy(CommandResult result) => result.GetResult(_draft) is { Tokens: [{ Value: var strategy }] } ? strategy.ToLowerInvariant()
        : result.GetResult(_profile) is not null || result.GetResult(_precision) is not null ? None
        : Auto;

    // An option that would have no effect is a mistake of whoever typed it.
    private void Check(CommandResult result)
    {
        bool IsGiven(Option option) => result.GetResult(option) is not null;
        bool IsWord(Option option, string word) => result.GetResult(option) is { Tokens: [{ Value: var typed }] } && typed.Equals(word, StringComparison.OrdinalIgnoreCase);
        bool skips = IsGiven(_skipAttention) || IsGiven(_skipMlp);
        string draft = IsGiven(_draft) ? $"--draft {Strategy(result)}" : $"--draft {Strategy(result)}, the default,";
        string? problem = Strategy(result) switch
        {
            // What is drafted otherwise is checked there.
            _ when !IsGiven(_draft) && Array.Exists(_others, IsGiven) => null,
            None when result.GetResult(_draft) is not null && IsGiven(_profile) => "--draft none drafts nothing, so --draft-profile has no effect.",
            None or Auto when IsGiven(_profile) && Array.Find((Option[])[_exitLayer, _skipAttention, _skipMlp, _threshold, _policy, .. Cascade], IsGiven) is { } told =>
                $"--draft-profile says how to draft; leave {told.Name} out.",
            None when IsGiven(_profile) && IsGiven(_length) => "--draft-profile says how long drafts are; leave --draft-length out, or use --draft auto, which takes it as a bound.",
            None or Auto when IsGiven(_profile) => null,
            _ when IsGiven(_profile) => $"--draft {Strategy(result)} and --draft-profile both say how to draft; leave one of them out, or use --draft auto.",
            EarlyExit when !IsGiven(_exitLayer) => "--draft early-exit needs --exit-layer.",
            EarlyExit when skips => "--draft early-exit takes no layers to skip; use --draft layer-skip for them.",
            LayerSkip when !skips => "--draft layer-skip needs --skip-attention or --skip-mlp.",
            LayerSkip when IsGiven(_exitLayer) => "--draft layer-skip takes no --exit-layer; use --draft early-exit for it.",
            Auto when skips && IsGiven(_exitLayer) => $"{draft} takes --exit-layer or layers to skip, not both; without either it chooses.",
            Swift when skips || IsGiven(_exitLayer) => "--draft swift searches for the layers to leave out; leave --exit-layer and layers to skip out, or use --draft layer-skip.",
            Auto or Lookup or Swift when IsGiven(_threshold) => $"{draft} finds where to stop by itself; leave --draft-threshold out.",
            Auto or Lookup or Swift when IsGiven(_policy) => $"{draft} decides by itself how far to draft; leave --draft-policy out.",
            _ when IsGiven(_threshold) && IsWord(_policy, DraftingPolicy.AdaptiveThreshold) =>
                $"--draft-policy {DraftingPolicy.AdaptiveThreshold} finds its threshold; leave --draft-threshold out.",
            Auto or Lookup or Swift when Array.Find(Cascade, IsGiven) is { } guesses =>
                $"{draft} takes no cascade; leave {guesses.Name} out, or use --draft early-exit or layer-skip.",
            _ when !IsGiven(_cascadeExits) && Array.Find(Cascade, IsGiven) is { } lone => $"{lone.Name} has no effect without --cascade-exits.",
            Lookup when skips || IsGiven(_exitLayer) || Array.Exists(OfModel, IsGiven) =>
                "--draft lookup runs no layers to draft; leave --exit-layer, layers to skip, --draft-precision, --draft-vocabulary and --draft-head-precision out, or use --draft auto.",
            None when result.GetResult(_draft) is not null
                && Array.Find((Option[])[_exitLayer, _skipAttention, _skipMlp, _length, _threshold, _policy, .. Cascade], IsGiven) is { } idle => $"--draft none drafts nothing, so {idle.Name} has no effect.",
            None when result.GetResult(_draft) is not null && Array.Find(OfModel, IsGiven) is { } idle => $"--draft none drafts nothing, so {idle.Name} has no effect.",
            None when result.GetResult(_draft) is null && (skips || IsGiven(_exitLayer)) =>
                "--draft-precision without --draft drafts with all layers; leave --exit-layer and layers to skip out, or say --draft auto, early-exit or layer-skip.",
            _ => null,
        };
        if (problem is not null)
        {
            result.AddError(problem);
        }
    }
}
