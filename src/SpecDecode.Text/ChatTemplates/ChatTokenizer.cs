using System.Collections.Concurrent;
using System.Text.Json;
using SpecDecode.Checkpoints;
using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.Tokenizers;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// Turns conversations into token ids: renders the chat template and encodes what it wrote, in one. The ids are those of
/// <c>apply_chat_template(tokenize=True)</c> in Hugging Face transformers, but for one thing: what is said in a conversation never
/// becomes a control token.
/// </summary>
/// <remarks>
/// <para>BOS is there where the template writes it, and only there: the tokenizer adds nothing.</para>
/// <para>
/// Control tokens are the added tokens that the tokenizer marks as special, and those others that the template itself writes, such as
/// <c>&lt;tool_call&gt;</c>. Where a message, a tool or a variable spells one out, it is text. Only the assistant's own messages may have
/// those that are not special, since they are what the model wrote; not in the arguments of tool calls, which the template writes.
/// </para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
public sealed class ChatTokenizer
{
    private readonly ConcurrentDictionary<ChatTemplate, ControlTokens> _controlTokens = new();

    /// <summary>Puts a tokenizer and templates together.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="templates">The model's chat templates.</param>
    public ChatTokenizer(TextTokenizer tokenizer, ChatTemplateSet templates)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(templates);
        Tokenizer = tokenizer;
        Templates = templates;
    }

    /// <summary>The tokenizer.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>The chat templates.</summary>
    public ChatTemplateSet Templates { get; }

    /// <summary>Reads the tokenizer and the chat templates of a checkpoint.</summary>
    /// <param name="folder">The checkpoint's folder. Nothing else in it needs to be there.</param>
    /// <exception cref="CheckpointException">The folder has no tokenizer or no template, or a file of it cannot be used.</exception>
    /// <exception cref="UnsupportedTokenizerException">The tokenizer is sound but of a kind that is not supported.</exception>
    /// <exception cref="ChatTemplateException">A template cannot be parsed.</exception>
    public static ChatTokenizer Load(string folder) => new(TextTokenizer.LoadFromFolder(folder), ChatTemplateSet.Load(folder));

    /// <summary>Turns a conversation into ids.</summary>
    /// <param name="input">The conversation.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <exception cref="ChatTemplateException">The template refused the conversation, went wrong, or used up more than it may.</exception>
    /// <exception cref="SpecDecodeException">
    /// The input is not what it should be, there is no template for it, or the template decides by a control token that a message
    /// spells out, so that it cannot be text.
    /// </exception>
    public int[] Encode(ChatTemplateInput input, CancellationToken cancellationToken = default) => TryEncode(input, int.MaxValue, cancellationToken)!;

    /// <summary>The same, unless the ids are more than a limit; null then, found out without making them all.</summary>
    internal int[]? TryEncode(ChatTemplateInput input, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ChatTemplate template = Templates.For(input);
        ControlTokens tokens = _controlTokens.GetOrAdd(template, key => new ControlTokens(Tokenizer, key));

        // The same time in each rendering.
        input = input with { Now = input.Now ?? TimeProvider.System.GetLocalNow() };
        FreeCharacters characters = tokens.StartMarks();
        TemplateVariables variables = TemplateVariables.Of(input, Templates.SpecialTokens, cancellationToken, characters);
        string prompt = template.Render(variables.Values, input.Now.Value, input.Limits.For(variables.Size), cancellationToken);
        if (Tokenizer.MostUnitsPerToken is { } units && prompt.Length > (long)units * limit)
        {
            return null;
        }

        characters.Use(prompt);
        TextMarks marks = characters.Take();
        MarkedText text = RenderMarked(tokens, input, marks, prompt, cancellationToken) ?? throw Undecided(template, tokens, input);
        return Tokenizer.TryEncode(new ControlTokenPlaces(text, marks, [.. ChatRoles.Words(input.Messages)]), limit);
    }

    // The prompt with its marks; null where they change what the template writes.
    private MarkedText? RenderMarked(
        ControlTokens tokens, ChatTemplateInput input, TextMarks marks, string prompt, CancellationToken cancellationToken)
    {
        TemplateVariables variables = TemplateVariables.Of(input, Templates.SpecialTokens, cancellationToken, tokens.Texts(marks));
        RenderLimits limits = input.Limits.For(variables.Size);

        // Marks are no reason to end; what the conversation itself needs has been found to be within the bounds.
        limits = limits with
        {
            Steps = Twice(limits.Steps), MemoryBytes = Twice(limits.MemoryBytes), OutputLength = (int)Math.Min(int.MaxValue, 2L * limits.OutputLength),
        };
        try
        {
            MarkedText text = MarkedText.Read(
                tokens.MarkedTemplate(marks).Render(variables.Values, input.Now!.Value, limits, cancellationToken), marks);
            return text.Plain == prompt ? text : null;
        }
        catch (ChatTemplateException)
        {
            // The prompt was made without marks, so these are the reason.
            return null;
        }
    }

    private static long Twice(long value) => value > long.MaxValue / 2 ? long.MaxValue : 2 * value;

    private static SpecDecodeException Undecided(ChatTemplate template, ControlTokens tokens, ChatTemplateInput input)
    {
        int index = 0;
        foreach (JsonElement message in input.Messages.EnumerateArray())
        {
            index++;
            if (Texts(message).Select(text => tokens.FindIn(text, ChatRoles.IsAssistant(message))).FirstOrDefault(found => found is not null) is { } spelled)
            {
                return new SpecDecodeException(
                    $"Message {index} spells out the control token '{CheckpointText.Shorten(spelled)}', and what {template.Name} writes depends on that, "
                    + "so that it cannot be kept as text: leave it out of the message.");
            }
        }

        return new SpecDecodeException(
            $"What {template.Name} writes depends on the texts of its control tokens, so that they cannot be told from what others wrote: "
            + "leave control tokens out of the conversation, or render it and encode it yourself.");
    }

    private static IEnumerable<string> Texts(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => [json.GetString()!],
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Texts),
        JsonValueKind.Object => json.EnumerateObject().SelectMany(property => Texts(property.Value).Prepend(property.Name)),
        _ => [],
    };
}
