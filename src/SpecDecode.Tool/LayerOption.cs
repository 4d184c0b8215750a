using System.CommandLine;

namespace SpecDecode.Tool;

/// <summary>Options that take a list of layers.</summary>
internal static class LayerOption
{
    /// <summary>An option for a list such as <c>3,5-7</c>.</summary>
    public static Option<int[]?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "LIST",
        CustomParser = NumberList.ParseLayers,
    };
}
