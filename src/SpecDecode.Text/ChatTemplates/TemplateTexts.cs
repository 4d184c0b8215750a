namespace SpecDecode.ChatTemplates;

/// <summary>What becomes of a conversation's texts on their way into a template.</summary>
internal abstract class TemplateTexts
{
    /// <summary>A special token of the checkpoint.</summary>
    public abstract string Token(string text);

    /// <summary>Anything else: what somebody said, a name, a value.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isAssistant">Whether it is in a message of the model itself.</param>
    public abstract string Content(string text, bool isAssistant);
}
