using System.Text.Json.Serialization;
using SpecDecode.Evaluation;

namespace SpecDecode.Calibration;

/// <summary>Everything that a calibration knows, as it is kept between runs. Not what was measured last: times of two days do not compare.</summary>
internal sealed record CalibrationState
{
    /// <summary>What the file says that it is.</summary>
    public const string FormatName = "specdecode-calibration-2";

    /// <summary><see cref="FormatName"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Hash of the model, the prompts and the options that decide what is found.</summary>
    public required string Key { get; init; }

    /// <summary>Seconds that it took so far.</summary>
    public double Seconds { get; set; }

    /// <summary>New tokens of each prompt's text, in the order of the prompts; those that are not written yet are missing.</summary>
    public required List<int[]> Texts { get; init; }

    /// <summary>Whether no more texts are written.</summary>
    public bool IsWritten { get; set; }

    /// <summary>What passes take; null while that is not measured.</summary>
    public BlockTimes? Times { get; set; }

    /// <summary>What passes take behind texts of other lengths, by these.</summary>
    public Dictionary<int, BlockTimes> LengthTimes { get; init; } = [];

    /// <summary>What methods have tried.</summary>
    public required List<MethodState> Methods { get; init; }

    /// <summary>A method's part, which is added where it is not there.</summary>
    public MethodState Of(string method)
    {
        MethodState? state = Methods.Find(state => state.Name == method);
        if (state is null)
        {
            state = new MethodState { Name = method, Plans = [] };
            Methods.Add(state);
        }

        return state;
    }
}

/// <summary>What a method has tried.</summary>
internal sealed record MethodState
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Seconds that it searched.</summary>
    public double Seconds { get; set; }

    /// <summary>Whether it came to its own end.</summary>
    public bool IsExhausted { get; set; }

    /// <summary>The plans, in the order in which they were tried.</summary>
    public required List<PlanState> Plans { get; init; }
}

/// <summary>A plan and how it agreed.</summary>
/// <param name="Blocks">The plan's blocks, as <see cref="Plans.LayerPlan"/> writes them.</param>
/// <param name="Draft">Whether it runs on the copy of the weights.</param>
/// <param name="Reached"><see cref="AgreementTally.Reached"/>.</param>
/// <param name="Agreed"><see cref="AgreementTally.Agreed"/>.</param>
internal sealed record PlanState(string Blocks, bool Draft, int[] Reached, int[] Agreed);

/// <summary>How a state is written as JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CalibrationState))]
internal sealed partial class CalibrationStateJson : JsonSerializerContext;
