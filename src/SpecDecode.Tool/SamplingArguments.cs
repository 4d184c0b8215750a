using System.Buffers.Binary;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using SpecDecode.Sampling;

namespace SpecDecode.Tool;

/// <summary>The options that say how tokens are chosen.</summary>
internal sealed class SamplingArguments
{
    private static readonly Dictionary<string, AcceptanceRule> Rules = new(StringComparer.OrdinalIgnoreCase)
    {
        ["greedy"] = AcceptanceRule.Greedy,
        ["rejection"] = AcceptanceRule.Rejection,
        ["shared-noise"] = AcceptanceRule.SharedNoise,
    };

    private readonly Option<float?> _temperature = NumberOption.Real(
        "--temperature", "T", "Divides the logits; 0, the default, takes the most probable token always.",
        number => float.IsFinite(number) && number >= 0, "0 or more");

    private readonly Option<int?> _topK = NumberOption.Optional(
        "--top-k", "K", "Choose among the K most probable tokens; by default 0, all.", min: 0);

    private readonly Option<float?> _topP = NumberOption.Real(
        "--top-p", "P", "Choose among the most probable tokens that together have this probability; by default 1, all.",
        number => number is > 0 and <= 1, "a probability above 0, at most 1");

    private readonly Option<float?> _minP = NumberOption.Probability(
        "--min-p", "P", "Choose among tokens with at least this share of the highest probability; by default 0, all.");

    private readonly Option<float?> _topNSigma = NumberOption.Real(
        "--top-n-sigma", "N", "Choose among tokens whose logit lies at most N standard deviations below the highest; by default 0, all.",
        number => float.IsFinite(number) && number >= 0, "0 or more");

    private readonly Option<long?> _seed = NumberOption.Seed("--seed", "S", "Makes the choices reproducible.");

    private readonly Option<string?> _acceptance = new("--acceptance")
    {
        Description = "How draft tokens are accepted; by default greedy at temperature 0, else shared-noise with a seed and rejection without.",
    };

    /// <summary>Adds the options to a command.</summary>
    public SamplingArguments(Command command)
    {
        _acceptance.AcceptWords([.. Rules.Keys]);
        foreach (Option option in (Option[])[_temperature, _topK, _topP, _minP, _topNSigma, _seed, _acceptance])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(Check);
    }

    /// <summary>What the options ask for.</summary>
    public SamplingOptions Read(ParseResult arguments) => new()
    {
        Temperature = arguments.GetValue(_temperature) ?? 0,
        TopK = arguments.GetValue(_topK) ?? 0,
        TopP = arguments.GetValue(_topP) ?? 1,
        MinP = arguments.GetValue(_minP) ?? 0,
        TopNSigma = arguments.GetValue(_topNSigma) ?? 0,
        Seed = arguments.GetValue(_seed),
        Acceptance = arguments.GetValue(_acceptance) is { } rule ? Rules[rule] : null,
    };

    /// <summary>The same with a seed that is drawn here where one is needed and none was given, so that it can be told.</summary>
    public static SamplingOptions WithSeed(SamplingOptions sampling) => sampling.Temperature == 0 || sampling.Seed is not null
        ? sampling
        : sampling with { Seed = DrawSeed() };

    /// <summary>What an acceptance rule is called.</summary>
    public static string Name(AcceptanceRule rule) => Rules.First(known => known.Value == rule).Key;

    // No more bits than a JSON number keeps in every reader.
    private static long DrawSeed()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes) & ((1L << 53) - 1);
    }

    // What each option alone allows has been checked by its parser.
    private void Check(CommandResult result)
    {
        if (!TryRead(result, _temperature, out float? temperature))
        {
            return;
        }

        bool draws = temperature > 0;
        void RefuseIdle<T>(Option<T> option)
        {
            if (!draws && result.GetResult(option) is not null && TryRead(result, option, out _))
            {
                result.AddError($"{option.Name} has no effect without a --temperature above 0.");
            }
        }

        RefuseIdle(_topK);
        RefuseIdle(_topP);
        RefuseIdle(_minP);
        RefuseIdle(_topNSigma);
        RefuseIdle(_seed);

        if (result.GetResult(_acceptance) is not { Tokens: [{ Value: var given }] } || !Rules.TryGetValue(given, out AcceptanceRule rule))
        {
            return;
        }

        if (draws && rule == AcceptanceRule.Greedy)
        {
            result.AddError("--acceptance greedy belongs to temperature 0; use rejection or shared-noise.");
        }
        else if (!draws && rule is AcceptanceRule.Rejection or AcceptanceRule.SharedNoise)
        {
            result.AddError($"--acceptance {given} has no effect without a --temperature above 0.");
        }
    }

    // A value that cannot be read is the parser's to refuse; asked for it here, it throws.
    private static bool TryRead<T>(CommandResult result, Option<T> option, out T? value)
    {
        try
        {
            value = result.GetValue(option);
            return true;
        }
        catch (InvalidOperationException)
        {
            value = default;
            return false;
        }
    }
}
