namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>Names of the stages' inputs and outputs.</summary>
internal static class StageNames
{
    public const string Residual = "residual";
    public const string LayerInput = "layer_input";
    public const string Attended = "attended";
    public const string QueryKeyValue = "qkv";
    public const string LastPosition = "last_position";
    public const string TotalLength = "total_length";
    public const string Cosines = "cosines";
    public const string Sines = "sines";
    public const string Output = "output";
}

/// <summary>Names of a cache's keys and values, as a graph takes and gives them.</summary>
/// <param name="PastKeys">Keys that come in.</param>
/// <param name="PastValues">Values that come in.</param>
/// <param name="PresentKeys">Keys that go out.</param>
/// <param name="PresentValues">Values that go out.</param>
internal sealed record KvNames(string PastKeys, string PastValues, string PresentKeys, string PresentValues)
{
    /// <summary>The names in a graph that has the attention of one layer.</summary>
    public static KvNames Single { get; } = new("past_keys", "past_values", "present_keys", "present_values");

    /// <summary>The names in a graph that has the attention of several layers.</summary>
    public static KvNames OfLayer(int layer) =>
        new($"past_keys_{layer}", $"past_values_{layer}", $"present_keys_{layer}", $"present_values_{layer}");
}
