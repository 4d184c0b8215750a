using System.Text;

namespace SpecDecode.Replies;

/// <summary>A reply that had to be a call: <c>{"name": …, "arguments": {…}}</c> and nothing else, whatever the family.</summary>
internal sealed class PlainCallReply(List<ReplyPart> parts) : IReplyReader
{
    private readonly StringBuilder _text = new();

    /// <inheritdoc/>
    public bool IsReasoning => false;

    /// <inheritdoc/>
    public void Append(string text) => _text.Append(text);

    /// <inheritdoc/>
    public void Complete()
    {
        List<ToolCall> calls = [];
        string text = _text.ToString();
        if (text.Length <= ReplyParser.MaxCallLength && ToolCallReader.TryRead(text.AsMemory(), calls))
        {
            parts.AddRange(calls.Select(ReplyPart.OfCall));
        }
        else if (text.Length > 0)
        {
            // Cut off before its end.
            parts.Add(ReplyPart.OfText(text));
        }
    }
}
