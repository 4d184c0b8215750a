using SpecDecode.ChatTemplates;
using SpecDecode.Generation;

namespace SpecDecode.Tool;

/// <summary>A prompt as the model's chat template wraps it.</summary>
internal static class ChatPrompt
{
    /// <summary>The tokens of a conversation that the text begins.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">Its folder, which has the template.</param>
    /// <param name="text">What the user says.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <exception cref="SpecDecodeException">There is no template or tokenizer, or the text spells out a control token.</exception>
    public static int[] Encode(TextModel model, string folder, string text, CancellationToken cancellationToken)
    {
        if (model.Tokenizer is not { } tokenizer)
        {
            throw new SpecDecodeException("The model has no tokenizer that can be used, so --chat has no effect: give --tokens.");
        }

        // In the wrapped prompt control tokens are the template's, and nobody could tell the user's from them.
        if (!tokenizer.Encode(text, addSpecialTokens: false).SequenceEqual(tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: true)))
        {
            throw new SpecDecodeException("The prompt spells out a control token of the model, which --chat would take for one: leave it out of the prompt.");
        }

        string wrapped = ChatTemplateSet.Load(folder).Render(ChatTemplateInput.Of(new ChatMessage("user", text)), cancellationToken);

        // The template writes what begins a sequence.
        return tokenizer.Encode(wrapped, addSpecialTokens: false, parseSpecialTokens: true);
    }
}
