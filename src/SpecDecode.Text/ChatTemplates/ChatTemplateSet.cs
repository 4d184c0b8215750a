using SpecDecode.Checkpoints;

namespace SpecDecode.ChatTemplates;

/// <summary>
/// The chat templates of a checkpoint folder, and its special tokens. Most have one; some have another for conversations
/// with tools.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class ChatTemplateSet
{
    private const string DefaultName = "default";
    private const string ToolName = "tool_use";

    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, ChatTemplate> _templates;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;

    internal ChatTemplateSet(string folder, IReadOnlyDictionary<string, ChatTemplate> templates, IReadOnlyDictionary<string, string> specialTokens) =>
        (_folder, _templates, _specialTokens) = (folder, templates, specialTokens);

    /// <summary>The checkpoint's special tokens by the names that templates have for them.</summary>
    internal IReadOnlyDictionary<string, string> SpecialTokens => _specialTokens;

    /// <summary>The templates' texts.</summary>
    internal IEnumerable<string> Sources => _templates.Values.Select(template => template.Source);

    /// <summary>The templates' names: <c>default</c> where there is no other.</summary>
    public IEnumerable<string> Names => _templates.Keys;

    /// <summary>The text of the token that begins a sequence, or null.</summary>
    public string? BosToken => _specialTokens.GetValueOrDefault("bos_token");

    /// <summary>The text of the token that ends a sequence, or null.</summary>
    public string? EosToken => _specialTokens.GetValueOrDefault("eos_token");

    /// <summary>
    /// Reads the templates of a folder: <c>chat_template.jinja</c> (and <c>additional_chat_templates/*.jinja</c>), or else
    /// <c>chat_template</c> in <c>tokenizer_config.json</c>, a text or a list of objects with <c>name</c> and <c>template</c>.
    /// </summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <exception cref="CheckpointException">The folder has no template, or a file of it cannot be used.</exception>
    /// <exception cref="ChatTemplateException">A template cannot be parsed.</exception>
    public static ChatTemplateSet Load(string folder) => ChatTemplateFiles.Load(folder);

    /// <summary>A template by its name.</summary>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    public ChatTemplate Get(string name) => _templates.TryGetValue(name, out ChatTemplate? template) ? template
        : throw new CheckpointException(_folder, $"has no chat template '{name}'; it has "
            + $"{string.Join(", ", _templates.Keys.Select(known => $"'{known}'"))}: name one of these");

    /// <summary>The template for a conversation: <c>tool_use</c> where tools are given and there is one, otherwise <c>default</c>.</summary>
    /// <param name="input">The conversation.</param>
    /// <exception cref="CheckpointException">There is neither.</exception>
    public ChatTemplate For(ChatTemplateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Tools is not null && _templates.TryGetValue(ToolName, out ChatTemplate? forTools) ? forTools : Get(DefaultName);
    }

    /// <summary>Makes the prompt of a conversation with the template for it. The checkpoint's special tokens are variables of it.</summary>
    /// <param name="input">The conversation.</param>
    /// <param name="cancellationToken">Stops the template.</param>
    /// <exception cref="ChatTemplateException">The template refused the conversation, went wrong, or used up more than it may.</exception>
    /// <exception cref="SpecDecodeException">The input is not what it should be, or there is no template for it.</exception>
    public string Render(ChatTemplateInput input, CancellationToken cancellationToken = default) =>
        For(input).Render(input, _specialTokens, cancellationToken);
}
