using SpecDecode.Evaluation;

namespace SpecDecode.Calibration;

/// <summary>How layers that a drafter can leave out are looked for.</summary>
public sealed record CalibrationOptions
{
    /// <summary>The methods that there are, by name, in the order in which they run.</summary>
    public static IReadOnlyList<string> AllMethods { get; } = [.. LayerSelectors.All.Select(selector => selector.Name)];

    /// <summary>The methods that run, some of <see cref="AllMethods"/>.</summary>
    /// <value>The default is all of them.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<string> Methods
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list of methods.");
    } = AllMethods;

    /// <summary>
    /// How long all of it may take: writing texts, searching, judging what was found on other texts, and measuring the best. What takes longer at
    /// its least, as one text of a slow model, takes longer.
    /// </summary>
    /// <value>The default is ten minutes; above 0.</value>
    public TimeSpan Budget { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>New tokens that the model writes for each prompt, unless the text ends sooner.</summary>
    /// <value>The default is 96; at least 8.</value>
    public int MaxTokens { get; init; } = 96;

    /// <summary>Where methods' random numbers begin: the same seed proposes the same plans, as far as the budget goes.</summary>
    /// <value>The default is 1.</value>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// The rank of the maps that <c>bridge</c> fits: 0 scales each channel of the residual alone, r adds a product of matrices r wide, and the residual's width or more is
    /// a full matrix.
    /// </summary>
    /// <value>The default is null: full, a quarter or a sixteenth of the width, whichever predicts best on text that it was not fitted to. 0 or more.</value>
    public int? BridgeRank { get; init; }

    /// <summary>
    /// Lengths of a text, in tokens, at which costs are measured too: attention takes the more the longer a text is, so a drafter that pays for short ones may not for long ones
    /// (KnapSpec, 2602.20217). The plan that is expected to be best at each of them is taken from there on.
    /// </summary>
    /// <value>The default is none: costs are those at the mean length of the texts. Ascending, above 0, at most 8 of them, below the longest text that the model can have.</value>
    /// <exception cref="ArgumentNullException">It is set to null.</exception>
    public IReadOnlyList<int> Lengths
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(value), "Give a list, which may be empty.");
    } = [];

    /// <summary>Whether plans that skip blocks keep those of the first and the last layer, which matter most. Early exits leave out the last in any case.</summary>
    /// <value>The default is true.</value>
    public bool KeepEndLayers { get; init; } = true;

    /// <summary>Of the plans that were judged so many, the best, write texts in earnest, in turn with plain decoding.</summary>
    /// <value>The default is 3; 1 to 32.</value>
    public int MeasuredPlans { get; init; } = 3;

    /// <summary>
    /// A file in which everything is kept that is known so far, so that a calibration which was cancelled goes on where it was. It is removed when one is
    /// through. It holds for one model, its prompts and these options but <see cref="Methods"/>, <see cref="Budget"/> and <see cref="MeasuredPlans"/>.
    /// </summary>
    /// <value>The default is null: nothing is kept.</value>
    public string? StateFile { get; init; }

    /// <summary>The most of <see cref="MeasuredPlans"/>.</summary>
    public const int MaxMeasuredPlans = 32;

    /// <summary>The most of <see cref="Lengths"/>.</summary>
    public const int MaxLengths = 8;

    /// <summary>Tokens of the longest draft that is judged.</summary>
    internal const int DraftLength = PlanAgreement.DefaultLength;

    /// <summary>What is wrong, in a sentence that begins with the option's name; null where nothing is.</summary>
    internal string? FindError()
    {
        if (Methods.Count == 0)
        {
            return $"Methods is empty: give some of {string.Join(", ", AllMethods)}.";
        }

        if (Methods.FirstOrDefault(name => name is null || LayerSelectors.Find(name) is null) is { } unknown)
        {
            return $"Methods names '{unknown}': give some of {string.Join(", ", AllMethods)}.";
        }

        return Budget <= TimeSpan.Zero ? $"Budget is {Budget}: give a time above 0."
            : MeasuredPlans is < 1 or > MaxMeasuredPlans ? $"MeasuredPlans is {MeasuredPlans}: give 1 to {MaxMeasuredPlans}."
            : BridgeRank < 0 ? $"BridgeRank is {BridgeRank}: give 0 or more."
            : Lengths.Count > MaxLengths || Lengths.Where((length, i) => length <= (i == 0 ? 0 : Lengths[i - 1])).Any()
                ? $"Lengths is {string.Join(", ", Lengths)}: give at most {MaxLengths} numbers of tokens above 0, each above the one before it."
            : MaxTokens < 8 ? $"MaxTokens is {MaxTokens}: give 8 or more."
            : null;
    }
}
