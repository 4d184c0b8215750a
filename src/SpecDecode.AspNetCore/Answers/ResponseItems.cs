using System.Text;
using SpecDecode.AspNetCore.Wire;

namespace SpecDecode.AspNetCore.Answers;

/// <summary>The items of an answer while it is written, and the events that tell of them.</summary>
internal sealed class ResponseItems
{
    private const string InProgress = "in_progress";
    private const string Completed = "completed";

    private readonly List<OutputItem> _items = [];
    private readonly StringBuilder _text = new();

    // The item that is being written; calls come whole.
    private OutputItem? _open;

    /// <summary>The items that are whole.</summary>
    public IReadOnlyList<OutputItem> Items => _items;

    private int Index => _items.Count;

    private string Kind => _open!.Type == "message" ? "output_text" : "reasoning_text";

    /// <summary>Takes what is new of a message.</summary>
    public List<ResponseEvent> Add(AnswerDelta delta)
    {
        List<ResponseEvent> events = [];
        if (delta.ReasoningContent is { Length: > 0 } reasoning)
        {
            Write(events, "reasoning", reasoning);
        }

        if (delta.Content is { Length: > 0 } content)
        {
            Write(events, "message", content);
        }

        foreach (AnswerToolCall call in delta.ToolCalls ?? [])
        {
            Close(events, Completed);
            AddCall(events, call);
        }

        return events;
    }

    /// <summary>Ends the answer.</summary>
    /// <param name="status">How its last item ended, where that is a text: completed or incomplete.</param>
    public List<ResponseEvent> End(string status)
    {
        List<ResponseEvent> events = [];
        if (_open is null && _items.Count == 0)
        {
            // An answer without a word is a message without one.
            Open(events, "message");
        }

        Close(events, status);
        return events;
    }

    private void Write(List<ResponseEvent> events, string type, string text)
    {
        if (_open is not null && _open.Type != type)
        {
            Close(events, Completed);
        }

        if (_open is null)
        {
            Open(events, type);
        }

        _text.Append(text);
        events.Add(new ResponseEvent { Type = $"response.{Kind}.delta", ItemId = _open!.Id, OutputIndex = Index, ContentIndex = 0, Delta = text });
    }

    private void Open(List<ResponseEvent> events, string type)
    {
        _text.Clear();
        _open = type == "message"
            ? new OutputItem { Type = type, Id = Finish.NewId("msg_"), Status = InProgress, Role = "assistant", Content = [] }
            : new OutputItem { Type = type, Id = Finish.NewId("rs_"), Status = InProgress, Summary = [], Content = [] };
        events.Add(new ResponseEvent { Type = "response.output_item.added", OutputIndex = Index, Item = _open });
        events.Add(new ResponseEvent { Type = "response.content_part.added", ItemId = _open.Id, OutputIndex = Index, ContentIndex = 0, Part = Part() });
    }

    private void Close(List<ResponseEvent> events, string status)
    {
        if (_open is null)
        {
            return;
        }

        OutputContent part = Part();
        OutputItem item = _open with { Status = status, Content = [part] };
        events.Add(new ResponseEvent { Type = $"response.{Kind}.done", ItemId = item.Id, OutputIndex = Index, ContentIndex = 0, Text = part.Text });
        events.Add(new ResponseEvent { Type = "response.content_part.done", ItemId = item.Id, OutputIndex = Index, ContentIndex = 0, Part = part });
        events.Add(new ResponseEvent { Type = "response.output_item.done", OutputIndex = Index, Item = item });
        _items.Add(item);
        _open = null;
    }

    private void AddCall(List<ResponseEvent> events, AnswerToolCall call)
    {
        OutputItem item = new()
        {
            Type = "function_call", Id = Finish.NewId("fc_"), Status = Completed, CallId = call.Id, Name = call.Function.Name, Arguments = call.Function.Arguments,
        };
        events.Add(new ResponseEvent { Type = "response.output_item.added", OutputIndex = Index, Item = item with { Status = InProgress, Arguments = "" } });
        events.Add(new ResponseEvent { Type = "response.function_call_arguments.delta", ItemId = item.Id, OutputIndex = Index, Delta = item.Arguments });
        events.Add(new ResponseEvent { Type = "response.function_call_arguments.done", ItemId = item.Id, OutputIndex = Index, Name = item.Name, Arguments = item.Arguments });
        events.Add(new ResponseEvent { Type = "response.output_item.done", OutputIndex = Index, Item = item });
        _items.Add(item);
    }

    private OutputContent Part() => new() { Type = Kind, Text = _text.ToString(), Annotations = _open!.Type == "message" ? [] : null };
}
