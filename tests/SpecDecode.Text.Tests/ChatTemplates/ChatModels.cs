using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpecDecode.ChatTemplates;
using SpecDecode.Tests.Tokenizers;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.ChatTemplates;

/// <summary>A tokenizer that has the control tokens of a template, with that template.</summary>
/// <param name="Chat">Both.</param>
/// <param name="Special">The texts of special tokens.</param>
/// <param name="Written">The texts of those that are not special and that the template writes.</param>
/// <param name="ControlIds">The ids of all of them.</param>
internal sealed record ChatModel(ChatTokenizer Chat, string[] Special, string[] Written, IReadOnlySet<int> ControlIds)
{
    /// <summary>The control tokens among ids.</summary>
    public int[] Controls(IEnumerable<int> ids) => [.. ids.Where(ControlIds.Contains)];
}

/// <summary>Makes models of published templates and tokenizers, or of small ones.</summary>
internal static partial class ChatModels
{
    public static TheoryData<string, string> Published()
    {
        TheoryData<string, string> data = [];
        foreach (string template in (string[])[
            "HuggingFaceTB-SmolLM3-3B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B",
            "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "google-gemma-2-2b-it", "ibm-granite-granite-3.3-2B-Instruct",
            "meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct", "microsoft-Phi-3.5-mini-instruct",
            "mistralai-Mistral-Nemo-Instruct-2407", "openai-gpt-oss-120b"])
        {
            foreach (string tokenizer in (string[])["gpt2", "llama2", "phi3"])
            {
                data.Add(template, tokenizer);
            }
        }

        return data;
    }

    private static readonly ConcurrentDictionary<(string Template, string Tokenizer), ChatModel> Loaded = new();

    public static ChatModel OfPublished(string template, string tokenizer) => Loaded.GetOrAdd((template, tokenizer), key => Of(
        File.ReadAllText(TestFolders.External("chat-templates", key.Template + ".jinja")),
        File.ReadAllText(TestFolders.External("tokenizers", key.Tokenizer, "tokenizer.json"))));

    /// <summary>A model of a template and the tokenizer of the model that ships, or another.</summary>
    /// <param name="source">The template.</param>
    /// <param name="tokenizer">The tokenizer; it gets the tokens that the template looks as if it wrote.</param>
    /// <param name="more">Further special tokens.</param>
    /// <param name="normalizer">What rewrites texts in place of the tokenizer's own.</param>
    /// <param name="flags">Flags of the tokens.</param>
    public static ChatModel Of(string source, string? tokenizer = null, string[]? more = null, string? normalizer = null, params string[] flags)
    {
        const string bos = "<s>", eos = "</s>";
        tokenizer ??= File.ReadAllText(TokenizerFiles.BundledModel);
        string[] special = [.. SpecialTexts().Matches(source).Select(match => match.Value).Concat([bos, eos, .. more ?? []]).Distinct()];
        string[] written = [.. WrittenTexts().Matches(source).Select(match => match.Value).Except(special).Distinct()];
        System.Text.Json.Nodes.JsonNode json = System.Text.Json.Nodes.JsonNode.Parse(tokenizer)!;
        JsonArray added = json["added_tokens"]!.AsArray();
        HashSet<string> known = [.. added.Select(token => token!["content"]!.GetValue<string>())];
        int id = json["model"]!["vocab"]!.AsObject().Count + known.Count;
        foreach (string text in special.Concat(written).Where(text => !known.Contains(text)))
        {
            JsonObject token = new() { ["id"] = id++, ["content"] = text, ["special"] = special.Contains(text), ["normalized"] = false };
            foreach (string flag in flags)
            {
                token[flag] = true;
            }

            added.Add(token);
        }

        if (normalizer is not null)
        {
            json["normalizer"] = System.Text.Json.Nodes.JsonNode.Parse(normalizer);
        }

        using TemporaryFolder folder = new();
        folder.Write("tokenizer.json", json.ToJsonString());
        folder.Write("chat_template.jinja", source);
        folder.Write("tokenizer_config.json", new JsonObject { ["bos_token"] = bos, ["eos_token"] = eos }.ToJsonString());
        ChatTokenizer chat = ChatTokenizer.Load(folder.Path);
        return new ChatModel(chat, special, written, special.Concat(written).Select(text => Id(chat.Tokenizer, text)).ToHashSet());
    }

    private static int Id(TextTokenizer tokenizer, string text) => tokenizer.AddedTokens.Single(token => token.Content == text).Id;

    [GeneratedRegex(@"<\|[^|\s<>]+\|>|<｜[^｜]+｜>|<(?:start|end)_of_turn>|\[/?[A-Z_]+\]")]
    private static partial Regex SpecialTexts();

    [GeneratedRegex("</?[a-z_]{3,}>")]
    private static partial Regex WrittenTexts();
}
