using SpecDecode.Plans;

namespace SpecDecode.Tests.Scheduling;

/// <summary>
/// The arithmetic of a model made of hashes: a row's residual is a number, an entry of the cache is a number, and every
/// token, position, layer and block that had a part in it changes it beyond recognition. Only the lowest byte goes through
/// all blocks as it is, and decides three tokens of four: those a draft gets right at any depth. Has no state.
/// </summary>
internal sealed record ScriptedModel(int Layers, int Vocabulary, ulong Seed)
{
    public ulong Embed(int token) => Mix(Seed + (ulong)token);

    /// <summary>What the attention of a layer leaves in the cache for a row.</summary>
    public static ulong Entry(int layer, int position, ulong residual) => Mix(Mix(residual + (ulong)layer) + (ulong)position);

    /// <summary>Attention so far, and the next entry that it reads; the order counts.</summary>
    public static ulong Read(ulong attended, ulong entry) => Mix(attended + 1) ^ entry;

    public static ulong AddAttention(int layer, ulong residual, ulong attended) =>
        WithLowest(residual, Mix(residual ^ Mix(attended + (ulong)layer)));

    public static ulong AddMlp(int layer, ulong residual) => WithLowest(residual, Mix(residual - (ulong)layer - 7));

    public int Next(ulong residual)
    {
        bool easy = (residual & 3) != 0;
        return (int)((easy ? (residual & 0xFF) * 7 : residual >> 8) % (ulong)Vocabulary);
    }

    /// <summary>Logits with one clear winner, which is more or less sure; the others lie between 0 and 0.5.</summary>
    public void Score(ulong residual, Span<float> logits)
    {
        for (int token = 0; token < logits.Length; token++)
        {
            logits[token] = ((residual >> (token % 48)) & 0xFF) / 512f;
        }

        logits[Next(residual)] = 1 + ((residual >> 20) & 7);
    }

    /// <summary>
    /// The reference: the residuals of all positions after the blocks, directly from the tokens, and the entry of each layer
    /// and position where there is somewhere to put it.
    /// </summary>
    public ulong[] Residuals(IEnumerable<Block> blocks, ReadOnlySpan<int> tokens, ulong[][]? entries = null)
    {
        ulong[] residuals = new ulong[tokens.Length];
        for (int position = 0; position < tokens.Length; position++)
        {
            residuals[position] = Embed(tokens[position]);
        }

        foreach (Block block in blocks)
        {
            (BlockKind kind, int layer) = (block.Kind, block.Layer);
            ulong attended = 0;
            for (int position = 0; position < tokens.Length; position++)
            {
                if (kind == BlockKind.Mlp)
                {
                    residuals[position] = AddMlp(layer, residuals[position]);
                    continue;
                }

                ulong entry = Entry(layer, position, residuals[position]);
                attended = Read(attended, entry);
                residuals[position] = AddAttention(layer, residuals[position], attended);
                entries?[layer][position] = entry;
            }
        }

        return residuals;
    }

    /// <summary>The reference's greedy continuation: every token computed anew from all tokens before it.</summary>
    public int[] Continue(ReadOnlySpan<int> prompt, int maxTokens, IReadOnlySet<int> endOfSequence)
    {
        List<int> text = [.. prompt];
        do
        {
            text.Add(Next(Residuals(LayerPlan.Full(Layers).Blocks, text.ToArray())[^1]));
        }
        while (text.Count < prompt.Length + maxTokens && !endOfSequence.Contains(text[^1]));

        return [.. text[prompt.Length..]];
    }

    /// <summary>The entries, by layer and position, that reading the tokens leaves in a cache.</summary>
    public ulong[][] Entries(ReadOnlySpan<int> tokens)
    {
        ulong[][] entries = new ulong[Layers][];
        for (int layer = 0; layer < Layers; layer++)
        {
            entries[layer] = new ulong[tokens.Length];
        }

        Residuals(LayerPlan.Full(Layers).Blocks, tokens, entries);
        return entries;
    }

    private static ulong WithLowest(ulong lowest, ulong value) => (value & ~0xFFUL) | (lowest & 0xFF);

    // The finaliser of SplitMix64: a bijection in which every bit in changes about half of the bits out.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
