using System.Globalization;
using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.SentencePiece;

/// <summary>
/// What a checkpoint says about its tokenizer beside <c>tokenizer.model</c>: <c>tokenizer_config.json</c>,
/// <c>special_tokens_map.json</c> and, for tokens that the former does not list, <c>added_tokens.json</c>.
/// </summary>
internal sealed class SentencePieceConfig
{
    private static readonly string[] SpecialKeys = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

    private readonly HashSet<string> _special = new(StringComparer.Ordinal);

    /// <summary>Whether texts begin with the token BOS; null where nothing is said.</summary>
    public bool? AddBos { get; private set; }

    /// <summary>Whether texts end with the token EOS.</summary>
    public bool AddEos { get; private set; }

    /// <summary>The token that begins a text; null where nothing is said.</summary>
    public string? BosToken { get; private set; }

    /// <summary>The token that ends one.</summary>
    public string? EosToken { get; private set; }

    /// <summary>Whether text behind an added token begins with a space as the whole text does; so it is where nothing is said.</summary>
    public bool Legacy { get; private set; } = true;

    /// <summary>Whether the text begins with a space; counts only without <see cref="Legacy"/>.</summary>
    public bool AddPrefixSpace { get; private set; } = true;

    /// <summary>The added tokens, by id, with where they stand.</summary>
    public SortedDictionary<int, (AddedToken Token, JsonNode Node)> AddedTokens { get; } = [];

    /// <summary>Whether a token is named as a control token.</summary>
    public bool IsSpecial(string text) => _special.Contains(text);

    /// <summary>Reads what there is in a file's folder.</summary>
    /// <param name="path">The path of the model file.</param>
    /// <exception cref="CheckpointException">A file is damaged.</exception>
    public static SentencePieceConfig ReadBeside(string path)
    {
        var config = new SentencePieceConfig();
        if (TokenizerConfigFile.TryReadBeside(path, CheckpointFolder.SpecialTokensMap) is { } map)
            config.ReadSpecial(map);
        if (TokenizerConfigFile.TryReadBeside(path, CheckpointFolder.TokenizerConfig) is { } main)
            config.ReadMain(main);
        if (config.AddedTokens.Count == 0 && TokenizerConfigFile.TryReadBeside(path, "added_tokens.json") is { } added)
            config.ReadAdded(added);
        return config;
    }

    private void ReadMain(JsonNode root)
    {
        ReadSpecial(root);
        AddBos = root.TryGet("add_bos_token")?.Flag();
        AddEos = root.Flag("add_eos_token", false);
        Legacy = root.Flag("legacy", true);
        AddPrefixSpace = root.Flag("add_prefix_space", true);
        foreach (var (key, node) in root.TryGet("added_tokens_decoder")?.Entries() ?? [])
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id > Vocabulary.MaxId)
                throw node.Error("has a key that is no token id");
            Add(AddedToken.Read(node, id), node);
        }
    }

    private void ReadSpecial(JsonNode root)
    {
        foreach (var key in SpecialKeys)
        {
            if (root.TryGet(key) is { } node)
                _special.Add(TokenizerConfigFile.TokenText(node));
        }
        foreach (var item in root.TryGet("additional_special_tokens")?.Items() ?? [])
            _special.Add(TokenizerConfigFile.TokenText(item));
        BosToken = root.TryGet("bos_token") is { } bos ? TokenizerConfigFile.TokenText(bos) : BosToken;
        EosToken = root.TryGet("eos_token") is { } eos ? TokenizerConfigFile.TokenText(eos) : EosToken;
    }

    private void ReadAdded(JsonNode root)
    {
        foreach (var (text, node) in root.Entries())
            Add(new AddedToken(node.Number(Vocabulary.MaxId), text, false, false, false, false, false), node);
    }

    private void Add(AddedToken token, JsonNode node)
    {
        if (token.Content.Length > 0 && !AddedTokens.TryAdd(token.Id, (token, node)))
            throw node.Error($"gives the id {token.Id} a second time");
    }
}
