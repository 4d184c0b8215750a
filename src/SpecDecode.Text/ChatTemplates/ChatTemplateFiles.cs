using System.Text;
using System.Text.Json;
using SpecDecode.Checkpoints;

namespace SpecDecode.ChatTemplates;

/// <summary>Finds the chat templates and special tokens in a checkpoint's files.</summary>
internal static class ChatTemplateFiles
{
    private const string TemplateFile = "chat_template.jinja";
    private const string FurtherTemplates = "additional_chat_templates";
    private const int MaxFileSize = 64 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly string[] TokenNames =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// <inheritdoc cref="ChatTemplateSet.Load"/>
    public static ChatTemplateSet Load(string folder) => Find(folder, out _) ?? throw new CheckpointException(
        CheckpointFile.FullPath(folder), $"has no chat template, neither {TemplateFile} nor 'chat_template' in {CheckpointFolder.TokenizerConfig}; "
            + "use a checkpoint that was trained for conversations, or give the prompt as it is");

    /// <summary>The same; null where there is no template.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="file">The name of the file, or folder, that has the template for most conversations.</param>
    public static ChatTemplateSet? Find(string folder, out string file)
    {
        folder = CheckpointFile.FullPath(folder);
        CheckpointFolder.CheckExists(folder);
        string configPath = Path.Combine(folder, CheckpointFolder.TokenizerConfig);
        JsonElement? config = ReadJson(configPath);
        Dictionary<string, ChatTemplate> templates = ReadFiles(folder);
        file = CheckpointFolder.IsThere(Path.Combine(folder, TemplateFile)) ? TemplateFile : FurtherTemplates;
        if (templates.Count == 0 && config is { } described)
        {
            file = CheckpointFolder.TokenizerConfig;
            templates = ReadConfig(configPath, described);
        }

        if (templates.Count == 0)
        {
            return null;
        }

        return new ChatTemplateSet(folder, templates, ReadTokens(folder, configPath, config));
    }

    /// <summary>A template from elsewhere, with the special tokens of a folder.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="template">The template's file, or its text.</param>
    /// <param name="isFile">Whether it is a file.</param>
    public static ChatTemplateSet Given(string folder, string template, bool isFile)
    {
        folder = CheckpointFile.FullPath(folder);
        string configPath = Path.Combine(folder, CheckpointFolder.TokenizerConfig);
        string path = isFile ? CheckpointFile.FullPath(template) : "";
        ChatTemplate parsed = isFile ? ChatTemplate.Parse(ReadText(path), path) : ChatTemplate.Parse(template);
        return new ChatTemplateSet(
            folder, new Dictionary<string, ChatTemplate>(StringComparer.Ordinal) { ["default"] = parsed }, ReadTokens(folder, configPath, ReadJson(configPath)));
    }

    private static Dictionary<string, string> ReadTokens(string folder, string configPath, JsonElement? config)
    {
        Dictionary<string, string> tokens = new(StringComparer.Ordinal);
        AddTokens(tokens, configPath, config);
        string mapPath = Path.Combine(folder, CheckpointFolder.SpecialTokensMap);
        AddTokens(tokens, mapPath, ReadJson(mapPath));
        return tokens;
    }

    private static Dictionary<string, ChatTemplate> ReadFiles(string folder)
    {
        Dictionary<string, ChatTemplate> templates = new(StringComparer.Ordinal);
        string path = Path.Combine(folder, TemplateFile);
        if (CheckpointFolder.IsThere(path))
        {
            templates["default"] = ChatTemplate.Parse(ReadText(path), path);
        }

        string further = Path.Combine(folder, FurtherTemplates);
        if (Directory.Exists(further))
        {
            try
            {
                foreach (string file in Directory.EnumerateFiles(further, "*.jinja").Order(StringComparer.Ordinal))
                {
                    templates[Path.GetFileNameWithoutExtension(file)] = ChatTemplate.Parse(ReadText(file), file);
                }
            }
            catch (Exception failure) when (CheckpointFile.IsFileFailure(failure))
            {
                throw CheckpointFile.Unreadable(further, failure);
            }
        }

        return templates;
    }

    private static Dictionary<string, ChatTemplate> ReadConfig(string path, JsonElement config)
    {
        Dictionary<string, ChatTemplate> templates = new(StringComparer.Ordinal);
        if (!config.TryGetProperty("chat_template", out JsonElement template) || template.ValueKind == JsonValueKind.Null)
        {
            return templates;
        }

        if (template.ValueKind == JsonValueKind.String)
        {
            templates["default"] = ChatTemplate.Parse(CheckpointJson.Text(path, "chat_template", template), path);
            return templates;
        }

        if (template.ValueKind != JsonValueKind.Array)
        {
            throw new CheckpointException(path, $"has {CheckpointJson.Describe(template)} as \"chat_template\" "
                + "where a text or a list is expected; download it again");
        }

        foreach (JsonElement entry in template.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object
                || !entry.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String
                || !entry.TryGetProperty("template", out JsonElement source) || source.ValueKind != JsonValueKind.String)
            {
                throw new CheckpointException(path, "has an entry in \"chat_template\" without a text \"name\" and a text \"template\"; download it again");
            }

            string key = CheckpointJson.Text(path, "name", name);
            templates[key] = ChatTemplate.Parse(CheckpointJson.Text(path, "template", source), $"{path}, chat template '{key}'");
        }

        return templates;
    }

    // A token is a text, or an object whose "content" is. What is there already stays.
    private static void AddTokens(Dictionary<string, string> tokens, string path, JsonElement? config)
    {
        if (config is not { } described)
        {
            return;
        }

        foreach (string name in TokenNames)
        {
            if (!described.TryGetProperty(name, out JsonElement token) || token.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content))
            {
                token = content;
            }

            if (token.ValueKind != JsonValueKind.String)
            {
                throw new CheckpointException(path, $"has {CheckpointJson.Describe(token)} as \"{name}\" "
                    + "where a text or an object with \"content\" is expected; download it again");
            }

            tokens.TryAdd(name, CheckpointJson.Text(path, name, token));
        }
    }

    private static JsonElement? ReadJson(string path) =>
        CheckpointFolder.IsThere(path) ? CheckpointJson.ParseObject(path, CheckpointFile.ReadAll(path, MaxFileSize, out _)) : null;

    private static string ReadText(string path)
    {
        byte[] bytes = CheckpointFile.ReadAll(path, MaxFileSize, out _);
        try
        {
            string text = Strict.GetString(bytes);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException failure)
        {
            throw new CheckpointException(path, "is not valid UTF-8; download it again or save it as UTF-8", failure);
        }
    }
}
