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
    public const string RotaryStarts = "rotary_starts";
    public const string Cosines = "cosines";
    public const string Sines = "sines";
    public const string Output = "output";
}
