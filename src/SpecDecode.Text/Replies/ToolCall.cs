namespace SpecDecode.Replies;

/// <summary>A call of a tool that a model asks for.</summary>
public sealed record ToolCall
{
    /// <summary>The longest name, in UTF-16 units; what has a longer one is text.</summary>
    public const int MaxNameLength = 256;

    /// <summary>The tool's name as the model wrote it, which need not be that of a tool that there is.</summary>
    public required string Name { get; init; }

    /// <summary>The arguments: a JSON object, as the model wrote it.</summary>
    public required string Arguments { get; init; }

    /// <summary>The call in words.</summary>
    public override string ToString() => $"{Name}({Arguments})";
}
