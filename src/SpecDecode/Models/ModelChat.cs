using SpecDecode.ChatTemplates;
using SpecDecode.Tokenizers;

namespace SpecDecode.Models;

/// <summary>What a model has for conversations, or why it has nothing.</summary>
internal sealed class ModelChat
{
    private readonly string? _problem;

    private ModelChat(ChatTokenizer? tokenizer, string? problem) => (Tokenizer, _problem) = (tokenizer, problem);

    /// <summary>Nothing, for want of a tokenizer.</summary>
    public static ModelChat None { get; } = new(null, "The model has no tokenizer that can be used: give the prompt as token ids.");

    /// <summary>Renders and encodes conversations; null where the model cannot.</summary>
    public ChatTokenizer? Tokenizer { get; }

    /// <summary>Reads a folder's chat templates. One without, or with one that is of no use, is told when it is asked for.</summary>
    public static ModelChat Load(string folder, TextTokenizer? tokenizer)
    {
        if (tokenizer is null)
        {
            return None;
        }

        try
        {
            return new ModelChat(new ChatTokenizer(tokenizer, ChatTemplateSet.Load(folder)), null);
        }
        catch (SpecDecodeException error)
        {
            return new ModelChat(null, $"The model takes no messages, since its chat template cannot be used. {error.Message}");
        }
    }

    /// <summary>The tokenizer for conversations.</summary>
    /// <exception cref="SpecDecodeException">There is none; it says which file is missing or wrong.</exception>
    public ChatTokenizer Require() => Tokenizer ?? throw new SpecDecodeException(_problem!);
}
