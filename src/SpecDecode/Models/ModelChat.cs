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
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">The model's tokenizer; null where it has none.</param>
    /// <param name="template">What takes the place of the folder's templates: a file or a text; null for nothing.</param>
    /// <exception cref="OptionException">That cannot be used.</exception>
    public static ModelChat Load(string folder, TextTokenizer? tokenizer, string? template = null)
    {
        if (tokenizer is null)
        {
            return None;
        }

        if (template is not null)
        {
            return new ModelChat(new ChatTokenizer(tokenizer, GivenTemplate.Read(folder, template)), null);
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
