using SpecDecode.Tokenizers;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// The control tokens of a model with one template: those that the tokenizer marks as special, and those others that the template
/// writes, such as &lt;tool_call&gt;. Of the latter a message of the model itself may have some.
/// </summary>
internal sealed class ControlTokens
{
    private readonly ChatTemplate _template;
    private readonly ControlTokenTexts _special;
    private readonly ControlTokenTexts _all;
    private readonly Lazy<(TextMarks Marks, ChatTemplate Template)> _usual;

    /// <summary>Finds them.</summary>
    public ControlTokens(TextTokenizer tokenizer, ChatTemplate template)
    {
        _template = template;
        AddedToken[] special = [.. tokenizer.AddedTokens.Where(token => token.Special)];
        AddedToken[] written = [.. tokenizer.AddedTokens.Where(token => !token.Special && IsMarkup(token.Content)
            && template.Source.Contains(token.Content, StringComparison.Ordinal))];
        _special = new ControlTokenTexts(special);
        _all = new ControlTokenTexts([.. special, .. written]);
        _usual = new(() =>
        {
            TextMarks marks = StartMarks().Take();
            return (marks, Mark(marks));
        });
    }

    /// <summary>Looks for marks: the template's own text is noted.</summary>
    public FreeCharacters StartMarks()
    {
        FreeCharacters characters = new();
        characters.Use(_template.Source);
        return characters;
    }

    /// <summary>The template with a mark before each special token that it writes.</summary>
    public ChatTemplate MarkedTemplate(TextMarks marks) => _usual.Value.Marks == marks ? _usual.Value.Template : Mark(marks);

    /// <summary>Marks special tokens, and breaks the texts of control tokens in what others wrote.</summary>
    /// <param name="marks">The marks.</param>
    public TemplateTexts Texts(TextMarks marks) => new Marking(this, marks);

    /// <summary>The first text of one that somebody else wrote; null without one.</summary>
    public string? FindIn(string text, bool isAssistant) => (isAssistant ? _special : _all).FindIn(text);

    private ChatTemplate Mark(TextMarks marks) => ChatTemplate.Parse(_special.MarkEach(_template.Source, marks.Written), _template.Name);

    // Not the runs of spaces and line ends, nor words, that some vocabularies have as added tokens.
    private static bool IsMarkup(string text) =>
        text.Any(char.IsLetter) && text.Any(c => !char.IsLetterOrDigit(c) && !char.IsWhiteSpace(c) && c != '\u2581');

    private sealed class Marking(ControlTokens tokens, TextMarks marks) : TemplateTexts
    {
        public override string Token(string text) => tokens._special.MarkEach(text, marks.Written);

        public override string Content(string text, bool isAssistant) =>
            (!isAssistant ? tokens._all : tokens._special).BreakEach(text, marks.Broken);
    }
}
