using System.Text;
using SpecDecode.Grammars;
using SpecDecode.Grammars.Automata;

namespace SpecDecode.Tests.Grammars;

/// <summary>Texts held against grammars, byte by byte.</summary>
internal static class GrammarTexts
{
    /// <summary>Whether a text fits.</summary>
    public static bool Accepts(Grammar grammar, string text) => Run(new GrammarMachine(grammar.Network), Encoding.UTF8.GetBytes(text)).MayEnd;

    /// <summary>Whether a text is the beginning of one that fits.</summary>
    public static bool AcceptsBeginning(Grammar grammar, string text) =>
        Run(new GrammarMachine(grammar.Network), Encoding.UTF8.GetBytes(text)) != GrammarState.Dead;

    /// <summary>Where a text leads.</summary>
    public static GrammarState Run(GrammarMachine machine, ReadOnlySpan<byte> text)
    {
        var state = machine.Start;
        foreach (byte value in text)
            state = machine.Step(state, value);
        return state;
    }

    /// <summary>A vocabulary of all bytes and these texts; the last token ends a text.</summary>
    public static TokenVocabulary Vocabulary(params IEnumerable<string> texts)
    {
        var tokens = Enumerable.Range(0, 256).Select(b => (byte[]?)[(byte)b]).Concat(texts.Select(Encoding.UTF8.GetBytes)).Append(null).ToList();
        return new(tokens, [tokens.Count - 1]);
    }
}
