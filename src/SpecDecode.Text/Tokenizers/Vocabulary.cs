using SpecDecode.Checkpoints;
using static SpecDecode.Checkpoints.CheckpointText;

namespace SpecDecode.Tokenizers;

/// <summary>The two-way map of token texts and ids: every id belongs to one text and every text to one id.</summary>
internal sealed class Vocabulary
{
    /// <summary>The highest id that a file may name; no known model has a tenth of it.</summary>
    public const int MaxId = (1 << 24) - 1;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly Dictionary<int, string> _texts = [];

    /// <summary>Creates an empty vocabulary.</summary>
    public Vocabulary() => _idsBySpan = _ids.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>How many ids have a text.</summary>
    public int Count => _texts.Count;

    /// <summary>The highest id plus one.</summary>
    public int Size { get; private set; }

    /// <summary>Reads the object <c>model.vocab</c>: token text to id.</summary>
    public static Vocabulary Read(JsonNode node)
    {
        var vocabulary = new Vocabulary();
        foreach (var (text, value) in node.Entries())
        {
            int id = value.Number(MaxId);
            if (!vocabulary._ids.TryAdd(text, id))
                throw node.Error($"has the token '{Shorten(text)}' twice");
            vocabulary.Assign(id, text, node);
        }
        return vocabulary;
    }

    /// <summary>Reads the array <c>model.vocab</c> of a unigram model: pairs of a text and its score, each at the place of its id.</summary>
    /// <remarks>A text that is there twice is turned into the later id, and both into it.</remarks>
    public static Vocabulary ReadList(JsonNode node)
    {
        var vocabulary = new Vocabulary();
        foreach (var item in node.Items())
        {
            int id = vocabulary.Size;
            if (id > MaxId)
                throw node.Error($"has more than {MaxId + 1} pieces");
            vocabulary.Put(UnigramModel.ReadPiece(item).Text, id);
        }
        return vocabulary;
    }

    /// <summary>Adds a token; its text and its id lose what they stood for before.</summary>
    public void Put(string text, int id)
    {
        _ids[text] = id;
        _texts[id] = text;
        Size = Math.Max(Size, id + 1);
    }

    /// <summary>Adds a token that stands outside the model's own vocabulary, or confirms one that stands in it.</summary>
    /// <returns>Whether the token is new.</returns>
    /// <exception cref="CheckpointException">The text has another id or the id another text.</exception>
    public bool Add(string text, int id, JsonNode node)
    {
        if (_ids.TryGetValue(text, out int known))
        {
            return known == id
                ? false
                : throw node.Error($"gives the token '{Shorten(text)}' the id {id}, but it already has the id {known}");
        }
        _ids.Add(text, id);
        Assign(id, text, node);
        return true;
    }

    /// <summary>Adds a token; false where its text or its id is taken.</summary>
    public bool TryAdd(string text, int id)
    {
        if (!_texts.TryAdd(id, text))
            return false;
        Size = Math.Max(Size, id + 1);
        return _ids.TryAdd(text, id);
    }

    /// <summary>The id of a token text.</summary>
    public bool TryGetId(ReadOnlySpan<char> text, out int id) => _idsBySpan.TryGetValue(text, out id);

    /// <summary>The text of an id, as it is written in the file.</summary>
    public bool TryGetText(int id, out string text) => _texts.TryGetValue(id, out text!);

    /// <summary>All tokens.</summary>
    public IEnumerable<KeyValuePair<string, int>> Entries => _ids;

    private void Assign(int id, string text, JsonNode node)
    {
        if (!_texts.TryAdd(id, text))
            throw node.Error($"gives the id {id} to '{Shorten(_texts[id])}' and to '{Shorten(text)}'");
        Size = Math.Max(Size, id + 1);
    }
}
