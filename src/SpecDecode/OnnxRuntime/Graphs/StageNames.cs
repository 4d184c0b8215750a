namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>Names of the stages' inputs and outputs.</summary>
internal static class StageNames
{
    public const string Residual = "residual";
    public const string LayerInput = "layer_input";
    public const string Attended = "attended";
    public const string QueryKeyValue = "qkv";
    public const string FirstRows = "first_rows";
    public const string Past = "past";
    public const string Pages = "pages";
    public const string Layer = "layer";
    public const string Keys = "keys";
    public const string Values = "values";
    public const string NewKeys = "new_keys";
    public const string NewValues = "new_values";
    public const string LengthLessOne = "length_less_one";
    public const string Length = "length";
    public const string RotaryStarts = "rotary_starts";
    public const string Cosines = "cosines";
    public const string Sines = "sines";

    public const string Rows = "rows_of_pass";
    public const string RowsToRun = "rows_to_run";

    /// <summary>The name of an input or output of which a segment has one for each kind of attention, or for each layer.</summary>
    public static string Of(string name, int number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}_{number}");

    public const string Output = "output";
    public const string Choices = "choices";
}
