using System.Text;
using SpecDecode.Grammars.Automata;

namespace SpecDecode.Grammars.Masks;

/// <summary>What must follow a state, where only one continuation is possible: its bytes, and its tokens.</summary>
internal sealed class ForcedRun(GrammarMachine machine, TokenVocabulary vocabulary)
{
    /// <summary>The most bytes of a run; the rest is another one.</summary>
    public const int MaxBytes = 512;

    // A tokenizer may treat the start of a text in a way of its own. Behind one of these the forced text is in the middle of it.
    private static readonly string[] Contexts = ["", "\n", "a", "."];

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

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

    /// <summary>The tokens that must follow, as far as they do not depend on what follows them.</summary>
    public int[] TokensOf(GrammarState state)
    {
        byte[] bytes = BytesOf(state, out var end);
        bool ends = end is { MayEnd: true, Items.Length: 0 };
        int[] endToken = ends && vocabulary.EndTokens is [var only] ? [only] : [];
        if (bytes.Length == 0)
            return endToken;
        int whole = WholeCharacters(bytes);
        if (whole == 0 || Cut(bytes[..whole]) is not { } tokens)
            return [];
        return ends ? [.. tokens, .. endToken] : tokens[..Settled(tokens, bytes, whole, end)];
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
        foreach (string context in Contexts)
        {
            int[] before = tokenizer.Encode(context, addSpecialTokens: false);
            int[] all = tokenizer.Encode(context + text, addSpecialTokens: false);
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

    // How many tokens stay as they are, whatever follows: those before the first place from which a token of the vocabulary goes on
    // over the end. A tokenizer that merges may join the end of a token with what follows and leave its beginning alone.
    private int Settled(int[] tokens, byte[] bytes, int whole, GrammarState end)
    {
        int place = Math.Max(0, bytes.Length - vocabulary.Trie.Depth);
        while (place < whole && !GoesOn(bytes.AsSpan(place), end))
            place++;
        int settled = 0;
        for (int at = 0; settled < tokens.Length && (at += vocabulary.BytesOf(tokens[settled]).Length) <= place;)
            settled++;
        return settled;
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
        for (int child = node + 1; child < vocabulary.Trie.Ends[node]; child = vocabulary.Trie.Ends[child])
        {
            if (machine.Step(end, vocabulary.Trie.Bytes[child]) != GrammarState.Dead)
                return true;
        }
        return false;
    }
}
