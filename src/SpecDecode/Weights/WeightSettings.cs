using System.Collections.Immutable;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;

namespace SpecDecode.Weights;

/// <summary>How a model's weights are stored.</summary>
/// <param name="Precision">All matrices but the head; <see cref="Precision.Stored"/> where the checkpoint stores them in several types.</param>
/// <param name="Head">The head, and the embedding where the two are one table; likewise.</param>
/// <param name="BlockSize">Weights that share a scale; <see cref="DefaultBlockSize"/> where nothing is quantised.</param>
/// <param name="Layout">How the matrices lie that rows are multiplied by.</param>
internal sealed record WeightSettings(Precision Precision, Precision Head, int BlockSize, TensorLayout Layout = TensorLayout.Panels)
{
    /// <summary>The block size unless another is asked for.</summary>
    public const int DefaultBlockSize = 32;

    /// <summary>Everything in float32.</summary>
    public static WeightSettings Float32 { get; } = new(Precision.Fp32, Precision.Fp32, DefaultBlockSize);

    /// <summary>Whether anything is.</summary>
    public bool Quantizes => Precision.IsQuantized() || Head.IsQuantized();

    /// <summary>What the options ask for.</summary>
    /// <param name="options">The options.</param>
    /// <param name="tensors">The checkpoint's tensors, whose types decide what <see cref="Precision.Stored"/> is.</param>
    /// <exception cref="SpecDecodeException">A value that there is not, or a block size without anything to quantise.</exception>
    public static WeightSettings Of(ModelOptions options, IEnumerable<TensorEntry> tensors)
    {
        TensorLayout layout = LayoutOf(options);
        Check(options, KernelsOf(layout));
        Precision asked = options.Precision ?? Precision.Stored;
        Precision stored = StoredIn(tensors.Where(tensor => tensor.Shape.Length == 2).Select(tensor => tensor.ElementType), layout);
        Precision precision = asked == Precision.Stored ? stored : asked;
        Precision head = options.HeadPrecision ?? (precision.IsQuantized() ? Precision.Int8 : precision);
        WeightSettings settings = new(precision, head == Precision.Stored ? stored : head, options.BlockSize ?? DefaultBlockSize, layout);
        return settings.Quantizes || options.BlockSize is null
            ? settings
            : throw new OptionException($"{OptionName.OfModel(nameof(options.BlockSize))} is {settings.BlockSize}, but nothing is quantised: leave it unset, or ask for int8 or int4.");
    }

    /// <summary>Refuses values that there are not, and such as ONNX Runtime's kernels do not take.</summary>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="SpecDecodeException">There is one.</exception>
    public static void Check(ModelOptions options) => Check(options, options.Kernels);

    /// <summary>Refuses options that contradict what a prepared folder holds.</summary>
    /// <param name="folder">The folder, for the message.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="tensors">The types of the checkpoint that it was made of.</param>
    /// <exception cref="SpecDecodeException">They do, or hold a value that there is not.</exception>
    public void CheckAgainst(string folder, ModelOptions options, IEnumerable<SourceTensor> tensors)
    {
        Check(options);
        Precision stored = StoredIn(tensors.Where(tensor => tensor.Shape.Length == 2).Select(tensor => TensorDType.Type(tensor.DType)), Layout);
        string? NameOf(Precision? asked) => asked is { } precision ? (precision == Precision.Stored ? stored : precision).Name() : null;
        CheckSame(nameof(options.Precision), "precision", Precision.Name(), NameOf(options.Precision));
        CheckSame(nameof(options.HeadPrecision), "head precision", Head.Name(), NameOf(options.HeadPrecision));
        CheckSame(nameof(options.BlockSize), "block size", BlockSize.ToString(System.Globalization.CultureInfo.InvariantCulture), options.BlockSize?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        CheckSame(nameof(options.Kernels), "layout for the kernels", KernelsOf(Layout).ToString(), options.Kernels?.ToString());

        void CheckSame(string option, string what, string held, string? asked)
        {
            if (asked is not null && asked != held)
            {
                throw new OptionException(
                    $"{folder}: the prepared weights in it have the {what} {held}, and {asked} is asked for: leave {OptionName.OfModel(option)} unset, or load the original checkpoint.");
            }
        }
    }

    /// <summary>Whose kernels read matrices that lie so.</summary>
    public static KernelChoice KernelsOf(TensorLayout layout) => layout == TensorLayout.Panels ? KernelChoice.Own : KernelChoice.OnnxRuntime;

    /// <summary>The recipes of a model's tensors with the formats that these settings give them.</summary>
    /// <param name="description">The model.</param>
    /// <param name="tensors">The checkpoint's tensors, by name.</param>
    public ImmutableArray<TensorRecipe> Recipes(DecoderDescription description, IReadOnlyDictionary<string, TensorEntry> tensors)
    {
        HashSet<string> multiplied = [.. description.Linears.Select(linear => linear.Weight)];
        return
        [
            .. description.Tensors.Select(recipe => recipe with
            {
                Format = recipe.Columns == 0 ? TensorFormat.Float32 : Format(
                    recipe.Name == description.Head.Weight ? Head : Precision,
                    multiplied.Contains(recipe.Name) ? Layout : TensorLayout.Rows,
                    recipe.Parts.Select(part => tensors.TryGetValue(part.Source, out TensorEntry? tensor) ? tensor.ElementType : TensorElementType.Float32)),
            }),
        ];
    }

    private static TensorLayout LayoutOf(ModelOptions options) =>
        (options.Kernels ?? (Kernels.InstructionSets.IsKnown ? KernelChoice.Own : KernelChoice.OnnxRuntime)) == KernelChoice.Own
            ? TensorLayout.Panels : TensorLayout.Rows;

    private static void Check(ModelOptions options, KernelChoice? kernels)
    {
        CheckDefined(nameof(options.Precision), options.Precision, kernels);
        CheckDefined(nameof(options.HeadPrecision), options.HeadPrecision, kernels);
        if (options.BlockSize is { } size && !TensorFormat.BlockSizes.Contains(size))
        {
            throw new OptionException($"{OptionName.OfModel(nameof(options.BlockSize))} is {size}: give {string.Join(", ", TensorFormat.BlockSizes[..^1])} or {TensorFormat.BlockSizes[^1]}.");
        }
    }

    private static void CheckDefined(string option, Precision? precision, KernelChoice? kernels)
    {
        if (precision is not { } value)
        {
            return;
        }

        if (!Enum.IsDefined(value))
        {
            throw new OptionException($"{OptionName.OfModel(option)} is {value}: give {string.Join(", ", Enum.GetNames<Precision>()[..^1])} or {Enum.GetNames<Precision>()[^1]}.");
        }

        if (value is Precision.Bf16 or Precision.Fp16 && kernels == KernelChoice.OnnxRuntime)
        {
            throw new OptionException($"{OptionName.OfModel(option)} is {value.Name()}, which ONNX Runtime's kernels do not take on the CPU: give stored or fp32, or set {OptionName.OfModel(nameof(ModelOptions.Kernels))} to Own.");
        }
    }

    // One type where all have it. ONNX Runtime's kernels take floats of 32 bits only, which hold the others exactly.
    private static Precision StoredIn(IEnumerable<TensorElementType> types, TensorLayout layout) =>
        layout == TensorLayout.Rows ? Precision.Fp32 : OneOf(types, Precision.Stored);

    // What all weights among them are; another thing where they differ, and float32 where there are none.
    private static Precision OneOf(IEnumerable<TensorElementType> types, Precision several)
    {
        Precision? one = null;
        foreach (TensorElementType type in types)
        {
            if (TensorDType.WeightBytes(type) is not null && one != Of(type))
            {
                if (one is not null)
                {
                    return several;
                }

                one = Of(type);
            }
        }

        return one ?? Precision.Fp32;
    }

    private static Precision Of(TensorElementType type) => type switch
    {
        TensorElementType.BFloat16 => Precision.Bf16,
        TensorElementType.Float16 => Precision.Fp16,
        _ => Precision.Fp32,
    };

    private TensorFormat Format(Precision precision, TensorLayout layout, IEnumerable<TensorElementType> sources)
    {
        if (precision == Precision.Stored)
        {
            precision = OneOf(sources, Precision.Fp32);
        }

        return new TensorFormat(precision, precision.IsQuantized() ? BlockSize : 0, layout);
    }
}
