namespace SpecDecode.ChatTemplates;

/// <summary>
/// A chat template that cannot be parsed, that went wrong while it was rendered, or that refused the conversation itself
/// (<c>raise_exception</c>).
/// </summary>
public sealed class ChatTemplateException : SpecDecodeException
{
    /// <summary>Creates the error.</summary>
    /// <param name="template">The template's name or file.</param>
    /// <param name="line">The line, from 1.</param>
    /// <param name="column">The column, from 1, in UTF-16 units.</param>
    /// <param name="reason">What was wrong; the template's own words where it refused.</param>
    /// <param name="innerException">The failure beneath, if there is one.</param>
    public ChatTemplateException(string template, int line, int column, string reason, Exception? innerException = null)
        : base($"{template}, line {line}, column {column}: {reason}", innerException)
    {
        Template = template;
        Line = line;
        Column = column;
        Reason = reason;
    }

    /// <summary>The template's name or file.</summary>
    public string Template { get; }

    /// <summary>The line, from 1.</summary>
    public int Line { get; }

    /// <summary>The column, from 1, in UTF-16 units.</summary>
    public int Column { get; }

    /// <summary>
    /// What was wrong, without the place: the template's own words where it raised them, otherwise a message with the name
    /// that Python or Jinja2 has for the error (<c>TypeError: 'NoneType' object is not iterable</c>).
    /// </summary>
    public string Reason { get; }
}
