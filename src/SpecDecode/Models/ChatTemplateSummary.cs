namespace SpecDecode.Models;

/// <summary>A checkpoint's chat templates.</summary>
public sealed record ChatTemplateSummary
{
    /// <summary>Name of the file, or folder, that has them.</summary>
    public required string File { get; init; }

    /// <summary>Their names: <c>default</c> where there is no other.</summary>
    public required IReadOnlyList<string> Names { get; init; }
}
