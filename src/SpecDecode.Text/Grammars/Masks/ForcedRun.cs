using System.Text;
using SpecDecode.Grammars.Automata;

namespace SpecDecode.Grammars.Masks;

/// <summary>
/// What must follow a state, where only one continuation is possible: its bytes, and its tokens. Not thread-safe, and states remember what was found: whoever
/// asks has the machine's lock.
/// </summary>
internal sealed class ForcedRun(GrammarMachine machine, TokenVocabulary vocabulary)
{
    /// <summary>The most bytes that are looked at for a token.</summary>
    public const int MaxBytes = 96;

    /// <summary>The most tokens of a run; the rest is another one.</summary>
    public const int MaxTokens = 64;

    // That nothing is forced, as states remember it.
    private const int None = -1;

    // A tokenizer may treat the start of a text in a way of its own. Behind one of these the forced text is in the middle of it.
    private static readonly string[] Contexts = ["", "\n", "a", "."];

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    // What the tokenizer makes of each context alone; null until there is something to cut.
    private int[][]? _contexts;

    /// <summary>The bytes that must follow.</summary>
    /// <param name="state">The state.</param>
    /// <param name="end">Where they lead.</param>
    public byte[] BytesOf(GrammarState state, out GrammarState end)
    {
        var bytes = new List<byte>();
        while (bytes.Count < MaxBytes && !state.MayEnd && machine.CountNext(state, out byte value) == 1)
        {
            bytes.Add(value);
            state = machine.Step(state, value);
        }
        end = state;
        return [.. bytes];
    }

    /// <summary>
    /// The tokens that must follow, as far as they do not depend on what follows them. Each is the first one of what must follow where it stands, so
    /// that it does not matter how the text came there.
    /// </summary>
    public int[] TokensOf(GrammarState state)
    {
        var tokens = new List<int>();
        while (tokens.Count < MaxTokens && (state.FirstForced ??= First(state) ?? None) is >= 0 and var token)
        {
            tokens.Add(token);
            if (vocabulary.IsEnd(token))
                break;
            foreach (byte value in vocabulary.BytesOf(token))
                state = machine.Step(state, value);
        }
        return [.. tokens];
    }

    private int? First(GrammarState state)
    {
        byte[] bytes = BytesOf(state, out var end);
        if (bytes.Length == 0)
            return end is { MayEnd: true, Items.Length: 0 } && vocabulary.EndTokens is [var only] ? only : null;
        int whole = WholeCharacters(bytes);
        int settled = end is { MayEnd: true, Items.Length: 0 } ? whole : Settled(bytes, whole, end);
        return settled > 0 && Cut(bytes[..whole]) is [var first, ..] && vocabulary.BytesOf(first).Length <= settled ? first : null;
    }

    // How many bytes there are to the end of the last whole character; 0 where they begin within one.
    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (at < bytes.Length && Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done)
            at += length;
        return at;
    }

    // The tokens that a text is cut into; null where their bytes are not the text's.
    private int[]? Cut(byte[] bytes)
    {
        if (vocabulary.Tokenizer is not { } tokenizer)
            return Longest(bytes);
        string text = Strict.GetString(bytes);
        _contexts ??= [.. Contexts.Select(context => tokenizer.Encode(context, addSpecialTokens: false))];
        for (int i = 0; i < Contexts.Length; i++)
        {
            int[] before = _contexts[i];
            int[] all = tokenizer.Encode(Contexts[i] + text, addSpecialTokens: false);
            if (all.AsSpan().StartsWith(before) && IsText(all.AsSpan(before.Length), bytes))
                return all[before.Length..];
        }
        return null;
    }

    private bool IsText(ReadOnlySpan<int> tokens, ReadOnlySpan<byte> bytes)
    {
        foreach (int token in tokens)
        {
            var part = token < vocabulary.Size ? vocabulary.BytesOf(token) : [];
            if (part.IsEmpty || !bytes.StartsWith(part))
                return false;
            bytes = bytes[part.Length..];
        }
        return bytes.IsEmpty;
    }

    // Without a tokenizer, the longest token each time.
    private int[]? Longest(ReadOnlySpan<byte> bytes)
    {
        var tokens = new List<int>();
        while (!bytes.IsEmpty)
        {
            int node = -1, token = -1, length = 0;
            for (int i = 0; i < bytes.Length && (node = vocabulary.Trie.Child(node, bytes[i])) >= 0; i++)
            {
                if (vocabulary.Trie.TokensOf(node) is [var first, ..])
                    (token, length) = (first, i + 1);
            }
            if (token < 0)
                return null;
            tokens.Add(token);
            bytes = bytes[length..];
        }
        return [.. tokens];
    }

    // How many bytes stay in the tokens that they are in, whatever follows: those before the first place from which a token of the vocabulary goes on
    // over the end. A tokenizer that merges may join the end of a token with what follows and leave its beginning alone.
    private int Settled(byte[] bytes, int whole, GrammarState end)
    {
        int place = Math.Max(0, bytes.Length - vocabulary.Trie.Depth);
        while (place < whole && !GoesOn(bytes.AsSpan(place), end))
            place++;
        return Math.Min(place, whole);
    }

    private bool GoesOn(ReadOnlySpan<byte> bytes, GrammarState end)
    {
        int node = -1;
        foreach (byte value in bytes)
        {
            node = vocabulary.Trie.Child(node, value);
            if (node < 0)
                return false;
        }
        for (int child = node + 1; child < vocabulary.Trie.Nodes[node].End; child = vocabulary.Trie.Nodes[child].End)
        {
            if (machine.Step(end, vocabulary.Trie.Nodes[child].Byte) != GrammarState.Dead)
                return true;
        }
        return false;
    }
}
