namespace SpecDecode.Replies;

/// <summary>What a piece of a reply is.</summary>
public enum ReplyPartKind
{
    /// <summary>Text for whoever asked.</summary>
    Text,

    /// <summary>The model thinking before it answers.</summary>
    Reasoning,

    /// <summary>A call of a tool, whole.</summary>
    ToolCall,
}

/// <summary>A piece of a reply.</summary>
public readonly record struct ReplyPart
{
    /// <summary>What it is.</summary>
    public ReplyPartKind Kind { get; private init; }

    /// <summary>The text, or the reasoning; empty for a call.</summary>
    public string Text { get; private init; }

    /// <summary>The call; null for the others.</summary>
    public ToolCall? Call { get; private init; }

    /// <summary>A piece of text.</summary>
    /// <param name="text">The piece.</param>
    public static ReplyPart OfText(string text) => new() { Kind = ReplyPartKind.Text, Text = text };

    /// <summary>A piece of reasoning.</summary>
    /// <param name="text">The piece.</param>
    public static ReplyPart OfReasoning(string text) => new() { Kind = ReplyPartKind.Reasoning, Text = text };

    /// <summary>A call.</summary>
    /// <param name="call">The call.</param>
    public static ReplyPart OfCall(ToolCall call) => new() { Kind = ReplyPartKind.ToolCall, Text = "", Call = call };

    /// <summary>The piece in words.</summary>
    public override string ToString() => Call is null ? $"{Kind}: {Text}" : $"{Call}";
}
