using System.Collections.Immutable;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>How a model's weights are stored.</summary>
/// <param name="Precision">All matrices but the head.</param>
/// <param name="Head">The head, and the embedding where the two are one table.</param>
/// <param name="BlockSize">Weights that share a scale; <see cref="DefaultBlockSize"/> where nothing is quantised.</param>
internal sealed record WeightSettings(Precision Precision, Precision Head, int BlockSize)
{
    /// <summary>The block size unless another is asked for.</summary>
    public const int DefaultBlockSize = 32;

    private static readonly ImmutableArray<int> BlockSizes = [16, 32, 64, 128, 256];

    /// <summary>Everything in float32.</summary>
    public static WeightSettings Float32 { get; } = new(Precision.Fp32, Precision.Fp32, DefaultBlockSize);

    /// <summary>Whether anything is.</summary>
    public bool Quantizes => Precision != Precision.Fp32 || Head != Precision.Fp32;

    /// <summary>What the options ask for.</summary>
    /// <exception cref="SpecDecodeException">A value that there is not, or a block size without anything to quantise.</exception>
    public static WeightSettings Of(ModelOptions options)
    {
        CheckDefined(nameof(options.Precision), options.Precision);
        CheckDefined(nameof(options.HeadPrecision), options.HeadPrecision);
        Precision precision = options.Precision ?? Precision.Fp32;
        WeightSettings settings = new(
            precision,
            options.HeadPrecision ?? (precision == Precision.Fp32 ? Precision.Fp32 : Precision.Int8),
            options.BlockSize ?? DefaultBlockSize);
        if (!BlockSizes.Contains(settings.BlockSize))
        {
            throw new OptionException($"{OptionName.OfModel(nameof(options.BlockSize))} is {settings.BlockSize}: give {string.Join(", ", BlockSizes[..^1])} or {BlockSizes[^1]}.");
        }

        return settings.Quantizes || options.BlockSize is null
            ? settings
            : throw new OptionException($"{OptionName.OfModel(nameof(options.BlockSize))} is {settings.BlockSize}, but nothing is quantised: leave it unset, or ask for int8 or int4.");
    }

    /// <summary>Refuses options that contradict what a prepared folder holds.</summary>
    /// <param name="folder">The folder, for the message.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="SpecDecodeException">They do, or hold a value that there is not.</exception>
    public void CheckAgainst(string folder, ModelOptions options)
    {
        CheckDefined(nameof(options.Precision), options.Precision);
        CheckDefined(nameof(options.HeadPrecision), options.HeadPrecision);
        Check(nameof(options.Precision), "precision", Name(Precision), options.Precision is { } precision ? Name(precision) : null);
        Check(nameof(options.HeadPrecision), "head precision", Name(Head), options.HeadPrecision is { } head ? Name(head) : null);
        Check(nameof(options.BlockSize), "block size", BlockSize.ToString(System.Globalization.CultureInfo.InvariantCulture), options.BlockSize?.ToString(System.Globalization.CultureInfo.InvariantCulture));

        void Check(string option, string what, string held, string? asked)
        {
            if (asked is not null && asked != held)
            {
                throw new OptionException(
                    $"{folder}: the prepared weights in it have the {what} {held}, and {asked} is asked for: leave {OptionName.OfModel(option)} unset, or load the original checkpoint.");
            }
        }
    }

    /// <summary>The recipes of a model's tensors with the formats that these settings give them.</summary>
    public ImmutableArray<TensorRecipe> Recipes(DecoderDescription description) =>
    [
        .. description.Tensors.Select(recipe => recipe with
        {
            Format = recipe.Columns == 0 ? TensorFormat.Float32
                : Format(recipe.Name == description.Head.Weight ? Head : Precision),
        }),
    ];

    /// <summary>A precision's name on the command line and in files.</summary>
    public static string Name(Precision precision) => precision switch
    {
        Precision.Fp32 => "fp32",
        Precision.Int8 => "int8",
        _ => "int4",
    };

    /// <summary>The precision of a name; null for another.</summary>
    public static Precision? Parse(string? name) => name switch
    {
        "fp32" => Precision.Fp32,
        "int8" => Precision.Int8,
        "int4" => Precision.Int4,
        _ => null,
    };

    private static void CheckDefined(string option, Precision? precision)
    {
        if (precision is { } value && !Enum.IsDefined(value))
        {
            throw new OptionException($"{OptionName.OfModel(option)} is {value}: give Fp32, Int8 or Int4.");
        }
    }

    private TensorFormat Format(Precision precision) =>
        precision == Precision.Fp32 ? TensorFormat.Float32 : new TensorFormat(precision, BlockSize);
}
